"""A channel that is shut or broken beside one that works is somebody's: age, owner, what to do, and never silence."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.channel_commands import channel_app
from adapters.channel_desk import ChannelDesk
from adapters.channels import Registry
from adapters.delivery_tables import Channel
from adapters.tables import table
from adapters.troubled import troubled_channels
from broker.commands.channel_finding import channel_findings
from broker.commands.findings import State
from broker.settings import Settings
from broker.sql.bulk import insert
from tests.adapters.courier_desk import CHANNEL, HAVEN, CourierDesk
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.test_channel_commands import runner
from tests.broker.shell import run


@pytest.fixture
def alone(desk: CourierDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a providers' zone that has nothing of the broker's."""
    monkeypatch.chdir(tmp_path)
    for name in ("HANDOFF_POSTGRES_DSN", "HANDOFF_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HANDOFF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANDOFF_PROVIDER_POSTGRES_DSN", desk.dsn)
    monkeypatch.setattr("broker.app.every_transport", lambda: desk.transports)
    return Settings()


async def test_a_channel_that_is_paused_beside_another_has_an_age_an_owner_and_an_alarm(
    desk: CourierDesk, receiver: ScriptedReceiver, alone: Settings
) -> None:
    """F15: everything arrives by the second channel, and still somebody is needed until the first is resumed."""
    receiver.status = 410
    await desk.channel(HAVEN, 1, receiver)
    await desk.channel(HAVEN, 2, None)
    assert (await run("status")).exit_code == 0
    async with desk.running():
        await desk.offers(HAVEN, 3)
        await desk.stand(DELIVERED=3)
    await desk.pool.execute("UPDATE channel SET paused_at = paused_at - interval '3 hours' WHERE place = 1")
    told = await run("status")
    assert told.exit_code == 1
    assert "2 channels of providers are set, 1 of them paused or failing" in told.output
    assert "Channel 1 (scripted) of org-haven is PAUSED (HTTP_410) for 3 h; org-haven owns it" in told.output
    assert "handoff channel resume 1 --org org-haven" in told.output
    [one] = json.loads((await run("status", "--json")).output)["channels"]
    assert (one["owner"], one["place"], one["paused"]) == (HAVEN, 1, "HTTP_410")
    assert one["age_seconds"] >= 3 * 3600
    [finding] = await channel_findings(alone)
    assert finding.state is State.WARNING
    assert "PAUSED (HTTP_410) for 3 h" in finding.found
    assert "handoff channel test 1 --org org-haven" in finding.remedy
    await ChannelDesk(desk.pool, desk.providers[HAVEN], desk.transports).resume(1)
    assert (await run("status")).exit_code == 0
    assert [finding.state for finding in await channel_findings(alone)] == [State.OK]


async def test_a_zone_whose_database_is_away_is_told(alone: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not knowing is not being well."""
    assert [one.state for one in await channel_findings(alone)] == [State.IDLE], "none is set"
    monkeypatch.setenv("HANDOFF_PROVIDER_POSTGRES_DSN", "postgresql://u:p@127.0.0.1:9/database")
    told = await run("status")
    assert told.exit_code == 1
    assert "cannot be asked about channels" in told.output


async def test_a_channel_that_fails_for_long_is_told_and_one_that_fails_for_a_moment_is_not(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """Since the first failure in a row; an answer ends it."""
    receiver.status = 503
    await desk.channel(HAVEN, 1, receiver)
    await desk.channel(HAVEN, 2, None)
    async with desk.running():
        await desk.offers(HAVEN, 8)
        await desk.stand(DELIVERED=8)
        assert (await troubled_channels(desk.pool, desk.transports))[1] == []
        await desk.pool.execute("UPDATE channel SET failing_since = failing_since - interval '20 minutes'")
        [one] = (await troubled_channels(desk.pool, desk.transports))[1]
        assert (one.place, one.paused, one.what) == (1, None, f"failing, {one.failures} in a row")
        assert 1200 <= one.age_seconds < 1260
        receiver.status = 204
        await desk.pool.execute("UPDATE channel SET probe_at = clock_timestamp()")
        await desk.offers(HAVEN)
        await desk.stand(DELIVERED=9)
    [row] = await desk.rows("SELECT failures, failing_since, probe_at FROM channel WHERE place = 1")
    assert tuple(row.values()) == (0, None, None)
    assert (await troubled_channels(desk.pool, desk.transports))[1] == []


async def test_a_channel_whose_settings_are_not_understood_any_more_is_paused_and_told(
    desk: CourierDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a change of version: shown as paused, logged once by code, gone around; set anew it is as new."""
    row = (HAVEN, 1, "scripted", '{"port": 1, "renamed": 2}', "c1", False, 0, datetime.now(UTC))
    async with desk.pool.acquire() as connection:
        await insert(connection, table(Channel), CHANNEL, [row], "replace")
    await desk.channel(HAVEN, 2, None)
    registry = Registry(desk.transports, desk.providers)
    for _ in range(2):
        await registry.refresh(desk.pool)
    assert caplog.text.count("channel 1 of org-haven is paused (SETTINGS_INVALID)") == 1
    async with desk.running():
        await desk.offers(HAVEN, 3)
        await desk.stand(DELIVERED=3)
    assert await desk.told() == ["offer.receipted"] * 3, "the inbox comes first now"
    channel = runner(desk, channel_app)
    assert "PAUSED (SETTINGS_INVALID)" in (await channel("list")).output
    [one] = (await troubled_channels(desk.pool, desk.transports))[1]
    assert (one.place, one.paused) == (1, "SETTINGS_INVALID")
    assert "handoff channel set 1 --org org-haven" in one.remedy
    assert (await channel("move", "1", "2")).exit_code == 0
    [row_now] = await desk.rows("SELECT paused FROM channel WHERE transport = 'scripted'")
    assert row_now["paused"] is None, "what this version cannot read is no person's pause"


async def test_a_channel_keeps_since_when_it_is_paused_when_its_turn_changes(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """Else whoever moves it makes it young again."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.channel(HAVEN, 2, None)
    await desk.pool.execute("UPDATE channel SET paused = 'HTTP_410', paused_at = '2026-01-01Z' WHERE place = 1")
    await ChannelDesk(desk.pool, desk.providers[HAVEN], desk.transports).move(1, 2)
    rows = await desk.rows("SELECT transport, paused, paused_at FROM channel ORDER BY place")
    assert [tuple(row.values()) for row in rows] == [
        ("inbox", None, None),
        ("scripted", "HTTP_410", datetime(2026, 1, 1, tzinfo=UTC)),
    ]


async def test_who_asks_for_time_gets_it_from_every_delivery(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """F15: 429 with Retry-After is the endpoint's word, not one message's; then one probe, and all of them."""
    receiver.status, receiver.retry_after = 429, 600.0
    await desk.channel(HAVEN, 1, receiver)
    async with desk.running():
        await desk.offers(HAVEN)
        await desk.stand(RETRYING=1)
        await desk.offers(HAVEN, 6)
        await desk.due_now()
        await asyncio.sleep(1)
        await desk.stand(RETRYING=1, QUEUED=6)
        assert len(receiver.posts) == 1
        waits = await desk.rows("SELECT due_at - clock_timestamp() AS wait FROM delivery")
        assert all(590 < row["wait"].total_seconds() < 600 for row in waits)
        [said] = await desk.rows("SELECT failures, asked_until = probe_at AS asked FROM channel")
        assert (said["failures"], said["asked"]) == (1, True)
        receiver.status = 204
        await desk.pool.execute("UPDATE channel SET probe_at = clock_timestamp(), asked_until = clock_timestamp()")
        await desk.pool.execute(
            "UPDATE delivery SET due_at = clock_timestamp() WHERE delivery_id = (SELECT min(delivery_id) FROM delivery)"
        )
        await desk.stand(DELIVERED=7)
    assert len(receiver.posts) == 8


async def test_what_was_under_way_before_a_receiver_asked_for_time_ends_no_waiting(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """It had said yes to the earlier ones; that is no word about the later."""
    await desk.channel(HAVEN, 1, receiver)
    async with desk.running():
        await desk.offers(HAVEN)
        await desk.stand(DELIVERED=1)
        until = "UPDATE channel SET asked_until = clock_timestamp() + interval '5 minutes'"
        await desk.pool.execute(f"{until}, probe_at = clock_timestamp()")
        await desk.offers(HAVEN)
        await desk.stand(DELIVERED=2)
    [row] = await desk.rows("SELECT probe_at > clock_timestamp() AS waits FROM channel")
    assert row["waits"]
