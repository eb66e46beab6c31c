"""A notice that the mail server took and that comes back: the next channel takes over, and nobody waits in vain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic_core import to_json

from adapters.channel_desk import ChannelDesk
from adapters.channels import SECRETS_FOLDER, Registry
from adapters.coming_back import ComingBack
from adapters.delivery_rows import Ledger
from adapters.delivery_tables import Channel
from adapters.inbox.inbox import Inbox
from adapters.inbox.inboxes import database as pool_of
from adapters.tables import ZONE, table
from adapters.transports.email import EmailTransport
from broker.local.databases import ZoneDatabase
from broker.schemas.vocabulary import MsgStatus
from broker.seal.key_files import write_secret
from broker.sql.bulk import insert
from broker.sql.migrate import migrate
from tests.adapters import reports
from tests.adapters.courier_desk import CHANNEL, HAVEN, CourierDesk
from tests.adapters.network import BROKER, until
from tests.adapters.receivers.email import EmailReceiver
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.reports import mail
from tests.adapters.scripted import ScriptedTransport
from tests.adapters.test_returns import free_port, listens, relay


@pytest.fixture
async def server() -> AsyncIterator[EmailReceiver]:
    """The provider's mail server."""
    async with EmailReceiver() as server:
        yield server


@pytest.fixture
async def desk(database: ZoneDatabase, home: Path) -> AsyncIterator[CourierDesk]:
    """An installation that answers for Haven, by e-mail and by a system of its own."""
    await migrate(database.owner_dsn, ZONE)
    async with pool_of(database.app_dsn) as pool:
        transports = {one.NAME: one for one in (EmailTransport(), ScriptedTransport())}
        desk = CourierDesk(pool, home / "zones", database.app_dsn, transports)
        desk.serve(HAVEN)
        yield desk


async def reached_by_mail(desk: CourierDesk, server: EmailReceiver) -> int:
    """Haven's first channel is a notice; returns the port where its mail server relays what came back."""
    port = free_port()
    for name, content in server.secrets().items():
        write_secret(desk.zones / HAVEN / SECRETS_FOLDER / "c1" / name, content)
    settings = {**server.settings(), "returnsListen": f"127.0.0.1:{port}"}
    row = (HAVEN, 1, EmailTransport.NAME, to_json(settings).decode(), "c1", False, 0, datetime.now(UTC))
    async with desk.pool.acquire() as connection:
        await insert(connection, table(Channel), CHANNEL, [row], "replace")
    return port


@asynccontextmanager
async def hearing(desk: CourierDesk, port: int) -> AsyncIterator[None]:
    """What comes back is heard while the block lasts, as the zone hears it."""
    registry = Registry(desk.transports, desk.providers)
    await registry.refresh(desk.pool)
    returned = ComingBack(desk.pool, registry, Ledger(MsgStatus.ACTUAL, BROKER))
    email = desk.transports[EmailTransport.NAME]
    ear = asyncio.create_task(email.hear_returned(registry.heard(EmailTransport.NAME, paused=True), returned))
    await until(lambda: listens(port))
    try:
        yield
    finally:
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)


async def test_what_bounces_goes_on_by_the_next_channel(
    desk: CourierDesk, server: EmailReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The same message by another way; the mailbox that does not exist is not written to again until somebody looks."""
    port = await reached_by_mail(desk, server)
    async with ScriptedReceiver() as other:
        await desk.channel(HAVEN, 2, other)
        await desk.offers(HAVEN)
        async with desk.running(), hearing(desk, port):
            await desk.stand(DELIVERED=1)
            [notice] = server.mails
            for _ in range(2):  # a mail server that is not sure tells it again
                await relay(port, notice.sender, mail(reports.POSTFIX_FAILED, notice.sender))
            await until(lambda: _arrived(other, 1))
            await desk.stand(DELIVERED=1)
    assert [code for _, _, code in await desk.attempts()] == ["SMTP_250", "HTTP_204"]
    assert [row["paused"] for row in await desk.rows("SELECT paused FROM channel ORDER BY place")] == [
        "DSN_5.1.1",
        None,
    ]
    assert caplog.text.count("channel 1 of org-haven is paused (DSN_5.1.1)") == 1
    assert await desk.rows("SELECT 1 FROM channel WHERE paused_at > clock_timestamp() - interval '1 minute'")
    assert await desk.told() == ["delivery.succeeded", "delivery.succeeded", "offer.receipted"]


async def test_what_bounces_finds_its_delivery_after_a_move(
    desk: CourierDesk, server: EmailReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Mail has the last turn by now: the delivery goes on by the other channel, and mail is paused, which is told."""
    port = await reached_by_mail(desk, server)
    async with ScriptedReceiver() as other:
        await desk.channel(HAVEN, 2, other)
        await desk.offers(HAVEN)
        async with desk.running():
            await desk.stand(DELIVERED=1)
        await ChannelDesk(desk.pool, desk.providers[HAVEN], desk.transports).move(1, 2)
        async with desk.running(), hearing(desk, port):
            [notice] = server.mails
            await relay(port, notice.sender, mail(reports.POSTFIX_FAILED, notice.sender))
            await until(lambda: _arrived(other, 1))
            await desk.stand(DELIVERED=1)
    assert [code for _, _, code in await desk.attempts()] == ["SMTP_250", "HTTP_204"]
    rows = await desk.rows("SELECT transport, paused FROM channel ORDER BY place")
    assert [(row["transport"], row["paused"]) for row in rows] == [("scripted", None), ("email", "DSN_5.1.1")]
    assert f"channel 2 of {HAVEN} is paused (DSN_5.1.1)" in caplog.text


async def test_what_bounces_finds_its_delivery_after_its_channel_was_set_anew(
    desk: CourierDesk, server: EmailReceiver
) -> None:
    """Its secrets lie in another folder by now; what came back is known by the kind of channel."""
    port = await reached_by_mail(desk, server)
    await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DELIVERED=1)
    folder = desk.zones / HAVEN / SECRETS_FOLDER
    (folder / "c1").rename(folder / "c9")
    await desk.pool.execute("UPDATE channel SET folder = 'c9'")
    async with desk.running(), hearing(desk, port):
        await relay(port, server.mails[0].sender, mail(reports.EXCHANGE_FAILED, server.mails[0].sender))
        await desk.stand(DEAD_LETTERED=1)


async def test_where_no_other_channel_is_left_the_broker_is_told(desk: CourierDesk, server: EmailReceiver) -> None:
    """Somebody else can be asked: nobody waits for a mailbox that refuses mail."""
    port = await reached_by_mail(desk, server)
    await desk.offers(HAVEN)
    async with desk.running(), hearing(desk, port):
        await desk.stand(DELIVERED=1)
        await relay(port, server.mails[0].sender, mail(reports.EXCHANGE_FAILED, server.mails[0].sender))
        await desk.stand(DEAD_LETTERED=1)
    assert await desk.told() == ["delivery.succeeded", "delivery.failed"]


async def test_a_delay_changes_nothing_and_is_noted(desk: CourierDesk, server: EmailReceiver) -> None:
    """It may still arrive, says whoever carries it."""
    port = await reached_by_mail(desk, server)
    await desk.offers(HAVEN)
    async with desk.running(), hearing(desk, port):
        await desk.stand(DELIVERED=1)
        await relay(port, server.mails[0].sender, mail(reports.POSTFIX_DELAYED, server.mails[0].sender))
    [row] = await desk.rows("SELECT state, code FROM delivery")
    assert row["state"] == "DELIVERED"
    assert row["code"].startswith("DSN_4")


async def test_a_notice_is_no_receipt_until_somebody_looks(desk: CourierDesk, server: EmailReceiver) -> None:
    """A mail server that took a notice has seen nothing: A2 is a person's look at the offer, and is told once."""
    await reached_by_mail(desk, server)
    [(offer_id, _)] = await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DELIVERED=1)
    assert await desk.told() == ["delivery.succeeded"]
    inbox = Inbox(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
    for _ in range(2):
        await inbox.seen(offer_id)
    assert await desk.told() == ["delivery.succeeded", "offer.receipted"]


async def _arrived(receiver: ScriptedReceiver, count: int) -> bool:
    return len(receiver.posts) == count
