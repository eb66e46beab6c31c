"""`handoff channel` and `handoff delivery`: nothing is saved that cannot be used, every act is written down."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from pydantic_core import from_json, to_json
from typer.testing import CliRunner, Result

from adapters.channel_commands import channel_app
from adapters.channel_desk import ChannelDesk
from adapters.channels import SECRETS_FOLDER, Registry, Transports
from adapters.commands import OpenInboxes
from adapters.delivery_commands import delivery_app
from adapters.inbox.answering import Answering
from adapters.inbox.inboxes import Inboxes, open_inboxes
from adapters.retention import forget_dead_letters
from adapters.transports.transport import ChannelRefused
from broker.errors import HandoffError
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.vocabulary import MsgStatus, Priority
from tests.adapters.courier_desk import HAVEN, CourierDesk, withdrawn
from tests.adapters.network import Run, until
from tests.adapters.receivers.receiver import Behaviour
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.test_every_transport import BOTH, EVERY, RECEIVERS

Group = Callable[[OpenInboxes, Callable[[], Transports]], typer.Typer]


def runner(desk: CourierDesk, group: Group) -> Run:
    """Runs one group of commands on an installation, as a process of its own would."""

    @asynccontextmanager
    async def inboxes() -> AsyncIterator[Inboxes]:
        async with open_inboxes(desk.dsn, desk.zones, MsgStatus.ACTUAL) as opened:
            yield opened

    async def command(*words: str) -> Result:
        app = group(inboxes, lambda: desk.transports)
        return await asyncio.to_thread(CliRunner().invoke, app, list(words))

    return command


@pytest.fixture
def channel(desk: CourierDesk) -> Run:
    """Runs `handoff channel`."""
    return runner(desk, channel_app)


@pytest.fixture
def delivery(desk: CourierDesk) -> Run:
    """Runs `handoff delivery`."""
    return runner(desk, delivery_app)


def _port(receiver: ScriptedReceiver) -> str:
    return f"port={receiver.settings()['port']}"


async def test_channels_are_set_moved_and_removed_with_their_secrets(
    desk: CourierDesk, receiver: ScriptedReceiver, channel: Run, tmp_path: Path
) -> None:
    """Secrets are files of mode 0600 that stay with their channel, and go with it; rows hold none."""
    key, settings = tmp_path / "key", tmp_path / "settings.json"
    key.write_text("s3cret-Quartz")
    settings.write_text(json.dumps(receiver.settings()))
    assert (await channel("list")).output.startswith("No channel is set")
    done = await channel("set", "1", "scripted", "--settings", str(settings), "--secret", f"key={key}")
    assert done.exit_code == 0, done.output
    assert (await channel("set", "2", "inbox", "--on-call")).exit_code == 0
    folders = desk.zones / HAVEN / SECRETS_FOLDER
    [file] = folders.glob("*/key")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("s3cret-Quartz", 0o600)
    again = await channel("set", "1", "scripted", "--option", _port(receiver))
    assert again.exit_code == 0
    [file] = folders.glob("*/key")
    assert file.read_text() == "s3cret-Quartz", "what is not given anew is kept"
    assert (await channel("move", "1", "2")).exit_code == 0
    listed = json.loads((await channel("list", "--json")).output)
    assert [(one["place"], one["transport"], one["onCall"]) for one in listed] == [
        (2, "scripted", False),
        (1, "inbox", True),
    ]
    assert "s3cret" not in str(listed)
    assert (await channel("remove", "2")).exit_code == 0
    assert list(folders.glob("*/key")) == []
    assert len(await desk.rows("SELECT 1 FROM channel")) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "1", "carrier-pigeon"), "TRANSPORT_UNKNOWN"),
        (("set", "1", "scripted"), "SETTINGS_INVALID"),
        (("set", "1", "scripted", "--option", "port=Quillfeather"), "SETTINGS_INVALID"),
        (("set", "1", "inbox", "--option", "Quillfeather=1"), "SETTINGS_INVALID"),
        (("set", "0", "inbox"), "PLACE_INVALID"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_rule_and_changes_nothing(
    desk: CourierDesk, channel: Run, words: tuple[str, ...], code: str
) -> None:
    """The rule by its code; what was typed, which might be a secret, is not repeated."""
    refused = await channel(*words)
    assert isinstance(refused.exception, ChannelRefused)
    assert refused.exception.code == code
    assert "Quillfeather" not in f"{refused.exception}{refused.exception.remedy}{refused.output}"
    assert await desk.rows("SELECT 1 FROM channel") == []
    assert list((desk.zones / HAVEN).glob(f"{SECRETS_FOLDER}/*")) == []


@pytest.mark.parametrize("name", BOTH)
async def test_what_was_saved_can_be_used_by_the_courier(desk: CourierDesk, name: str) -> None:
    """Whatever transport: a row that it would not read again is as good as paused, and every message of it is lost."""
    transports = {name: EVERY[name]()}
    async with RECEIVERS[name]() as receiver:
        people = ChannelDesk(desk.pool, desk.providers[HAVEN], transports)
        await people.set(1, name, to_json(dict(receiver.settings())).decode(), receiver.secrets())
        [saved] = await people.channels()
        used = Registry(transports, desk.providers).channel(saved)
        assert used is not None
        assert used.settings == transports[name].SETTINGS.model_validate(dict(receiver.settings()), by_alias=True)
        assert await people.test(1) == saved


async def test_a_paused_channel_is_resumed_by_a_person_and_what_died_is_sent_again(
    desk: CourierDesk, receiver: ScriptedReceiver, channel: Run, delivery: Run
) -> None:
    """410, repaired, resumed, replayed: the same message under the same id, with who and why on record."""
    receiver.status = 410
    assert (await channel("set", "1", "scripted", "--option", _port(receiver))).exit_code == 0
    await desk.offers(HAVEN, 2)
    async with desk.running():
        await desk.stand(DEAD_LETTERED=2)
        assert "PAUSED (HTTP_410)" in (await channel("list")).output
        useless = await delivery("replay", "--all-dead", "--reason", "RECEIVER_REPAIRED")
        assert "0 of 2 are sent again." in useless.output
        receiver.status = 204
        assert (await channel("resume", "1")).exit_code == 0
        dry = await delivery("replay", "--all-dead", "--reason", "RECEIVER_REPAIRED", "--dry-run")
        assert "2 of 2 would be sent again." in dry.output
        assert await desk.states() == {"DEAD_LETTERED": 2}
        done = await delivery("replay", "--all-dead", "--reason", "receiver_repaired", "--as", "SUPERVISOR")
        assert "2 of 2 are sent again." in done.output
        await desk.stand(DELIVERED=2)
    ids = [row["message_id"] for row in await desk.rows("SELECT message_id FROM delivery")]
    assert {post.message_id for post in receiver.posts} == set(ids)
    acts = await desk.rows("SELECT act, reason, by, before FROM delivery_act")
    assert [tuple(row.values()) for row in acts] == [("REPLAY", "RECEIVER_REPAIRED", "SUPERVISOR", "DEAD_LETTERED")] * 2
    number = str((await desk.rows("SELECT min(delivery_id) AS n FROM delivery"))[0]["n"])
    shown = (await delivery("show", number)).output
    assert "offer.made  delivered" in shown
    assert "replay by supervisor: RECEIVER_REPAIRED" in shown
    assert "HTTP_204" in shown


async def test_what_was_taken_back_is_not_sent_again_whoever_asks(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run
) -> None:
    """The gate is asked now: the person hears why, and nothing is written down as done."""
    receiver.status = 400
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, referral)] = await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DEAD_LETTERED=1)
        await desk.take_in([(HAVEN, referral, withdrawn(offer_id))])
        [row] = await desk.rows("SELECT delivery_id FROM delivery")
        refused = await delivery("replay", str(row["delivery_id"]), "--reason", "OUR_ERROR")
    assert isinstance(refused.exception, HandoffError)
    assert "WITHDRAWN" in str(refused.exception)
    assert "taken the offer back" in str(refused.exception)
    assert await desk.rows("SELECT 1 FROM delivery_act") == []
    assert len(receiver.posts) == 1


async def test_a_person_can_stop_the_trying(desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run) -> None:
    """Unstoppable retry is a defect seen elsewhere (lessons.md §3, 9): stopped is stopped, with a reason on record."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(RETRYING=1)
        number = json.loads((await delivery("list", "--json")).output)[0]["deliveryId"]
        assert (await delivery("stop", str(number), "--reason", "TOLD_BY_PHONE")).exit_code == 0
        twice = await delivery("stop", str(number), "--reason", "TOLD_BY_PHONE")
        assert isinstance(twice.exception, HandoffError)
    assert await desk.states() == {"SUPPRESSED": 1}
    [row] = await desk.rows("SELECT code, due_at FROM delivery")
    assert tuple(row.values()) == ("STOPPED_BY_PERSON", None)
    acts = await desk.rows("SELECT act, reason, by, before FROM delivery_act")
    assert [tuple(row.values()) for row in acts] == [("STOP", "TOLD_BY_PHONE", "STAFF", "RETRYING")]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("WRONG_RECIPIENT", ["NO_WAY", "NO_WAY"]),
        ("RECEIVER_ASKED", ["REFUSED", "REFUSED"]),
        ("TOLD_BY_PHONE", [None]),
    ],
)
async def test_the_broker_hears_of_a_stop_and_goes_on_at_once(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run, reason: str, told: list[str | None]
) -> None:
    """An offer or a release that never comes is told by code; what somebody heard by telephone counts as seen."""
    await desk.channel(HAVEN, 1, receiver)
    async with desk.running():
        made = await desk.accepted(HAVEN, 1)
        await until(lambda: desk.rows("SELECT 1 FROM delivery HAVING bool_and(ended_at IS NOT NULL) AND count(*) > 0"))
        await receiver.behave(Behaviour.TRY_LATER)
        await desk.release(HAVEN, made)
        await desk.offers(HAVEN)
        await until(lambda: desk.rows("SELECT 1 FROM delivery WHERE state = 'RETRYING' HAVING count(*) = 2"))
    before = {row["event_id"] for row in await desk.rows("SELECT event_id FROM answer")}
    for row in await desk.rows("SELECT delivery_id FROM delivery WHERE state = 'RETRYING' ORDER BY delivery_id"):
        assert (await delivery("stop", str(row["delivery_id"]), "--reason", reason)).exit_code == 0
    said = [row for row in await desk.rows("SELECT * FROM answer ORDER BY seq") if row["event_id"] not in before]
    assert [from_json(row["value"]).get("code") for row in said] == told
    kinds = {row["type"].split(".")[-2] for row in said}
    assert kinds == ({"failed"} if None not in told else {"receipted"})
    due = await desk.rows("SELECT 1 FROM delivery WHERE receipt_due AND code = 'STOPPED_BY_PERSON'")
    assert bool(due) is (None not in told), "what is receipted is receipted once"


async def test_a_stop_of_what_is_answered_already_tells_nothing(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run
) -> None:
    """Somebody said yes at the inbox: that the system never had it is no failure, and nobody else is asked."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, _)] = await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(RETRYING=1)
    answering = Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
    await answering.answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
    before = await desk.told()
    [row] = await desk.rows("SELECT delivery_id FROM delivery")
    assert (await delivery("stop", str(row["delivery_id"]), "--reason", "OUR_ERROR")).exit_code == 0
    assert await desk.told() == before


async def test_what_ended_without_arriving_is_kept_for_72_hours_and_no_longer(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run
) -> None:
    """Its codes are destroyed; who asks for it to be sent again hears why not, by code, however the offer stands."""
    await desk.channel(HAVEN, 1, receiver)
    async with desk.running():
        [(offer_id, referral)] = await desk.offers(HAVEN, priority=Priority.P3, answer_in=timedelta(days=9))
        await desk.stand(DELIVERED=1)
        receiver.status = 400
        await desk.take_in([(HAVEN, referral, withdrawn(offer_id))])
        await desk.offers(HAVEN, priority=Priority.P3, answer_in=timedelta(days=9))
        await desk.stand(DELIVERED=1, DEAD_LETTERED=2)
    receiver.status = 204
    again = ("replay", "--all-dead", "--reason", "RECEIVER_REPAIRED")
    await desk.pool.execute("UPDATE delivery SET ended_at = ended_at - interval '71 hours'")
    await forget_dead_letters(desk.pool)
    assert len(await desk.rows("SELECT 1 FROM delivery WHERE fact IS NOT NULL")) == 1
    assert "2 of 2 would be sent again." in (await delivery(*again, "--dry-run")).output
    await desk.pool.execute("UPDATE delivery SET ended_at = ended_at - interval '61 minutes'")
    await forget_dead_letters(desk.pool)
    assert await desk.rows("SELECT 1 FROM delivery WHERE fact IS NOT NULL") == []
    told = await delivery(*again)
    assert "0 of 0 are sent again." in told.output
    assert "2 ended more than 72 hours ago and cannot be sent again." in told.output
    for row in await desk.rows("SELECT delivery_id FROM delivery WHERE state = 'DEAD_LETTERED'"):
        refused = await delivery("replay", str(row["delivery_id"]), "--reason", "OUR_ERROR")
        assert isinstance(refused.exception, HandoffError)
        assert "(DEAD_LETTER_FORGOTTEN)" in str(refused.exception)
    assert await desk.states() == {"DELIVERED": 1, "DEAD_LETTERED": 2}
    assert await desk.rows("SELECT 1 FROM delivery_act") == []


async def test_a_withdrawal_whose_codes_are_gone_is_not_sent_as_nothing(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run
) -> None:
    """What is handed over of an end is the event itself; that the offer's text is still here says nothing."""
    await desk.channel(HAVEN, 1, receiver)
    async with desk.running():
        [(offer_id, referral)] = await desk.offers(HAVEN)
        await desk.stand(DELIVERED=1)
        await desk.take_in([(HAVEN, referral, withdrawn(offer_id))])
        await desk.stand(DELIVERED=2)
    await desk.pool.execute("UPDATE delivery SET fact = NULL")
    await desk.pool.execute("UPDATE offer SET content = coalesce(content, '{}')")
    [row] = await desk.rows("SELECT max(delivery_id) AS last FROM delivery")
    refused = await delivery("replay", str(row["last"]), "--reason", "RECEIVER_LOST_IT")
    assert "(CONTENT_GONE)" in str(refused.exception)


async def test_all_dead_means_all_in_portions_and_a_list_says_that_it_is_cut_off(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a night's outage there are more than one list holds; nothing is left over unsaid."""
    monkeypatch.setattr("broker.limits.delivery_listed_max", 4)
    receiver.status = 400
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, 10)
    async with desk.running():
        await desk.stand(DEAD_LETTERED=10)
    receiver.status = 204
    listed = await delivery("list", "--state", "DEAD_LETTERED")
    assert "These are the latest 4 of 10" in listed.output
    assert len(listed.output.splitlines()) == 5
    last = "(SELECT max(delivery_id) FROM delivery)"
    await desk.pool.execute(f"UPDATE delivery SET state = 'SUPPRESSED' WHERE delivery_id = {last}")
    done = await delivery("replay", "--all-dead", "--reason", "RECEIVER_REPAIRED")
    assert "9 of 9 are sent again." in done.output
    assert "4 of 9 looked at" in done.output
    assert await desk.states() == {"QUEUED": 9, "SUPPRESSED": 1}
    assert "latest" not in (await delivery("list", "--state", "SUPPRESSED")).output


async def test_a_dead_letter_has_an_age_an_owner_and_an_end(
    desk: CourierDesk, receiver: ScriptedReceiver, delivery: Run
) -> None:
    """Whoever reads the list sees whose it is, since when, and how long it can still be sent again."""
    receiver.status = 400
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, 3)
    async with desk.running():
        await desk.stand(DEAD_LETTERED=3)
    await desk.pool.execute(
        "UPDATE delivery SET ended_at = clock_timestamp() - make_interval(hours => w.hours) FROM"
        " (SELECT delivery_id, (ARRAY[80, 61, 2])[row_number() OVER (ORDER BY delivery_id)] AS hours FROM delivery) w"
        " WHERE w.delivery_id = delivery.delivery_id"
    )
    fresh, near, oldest = (await delivery("list", "--state", "DEAD_LETTERED")).output.splitlines()
    assert fresh.endswith("for 2 h, with org-broker")
    assert "with org-broker: GONE IN 1" in near
    assert oldest.endswith("for 3 days, with org-broker: FORGOTTEN")
    [row] = await desk.rows("SELECT max(delivery_id) AS n FROM delivery")
    assert "for 2 h, with org-broker" in (await delivery("show", str(row["n"]))).output
    assert "now" not in json.loads((await delivery("list", "--json")).output)[0]
