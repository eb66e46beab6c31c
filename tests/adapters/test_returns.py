"""F16: what comes back of a notice, by real SMTP: a bounce ends its way within a minute, nothing counts as a yes."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTP, SMTPDataError, SMTPRecipientRefused, SMTPResponseException, SMTPSenderRefused

from adapters.mail.return_address import return_address, return_key
from adapters.mail.returned_mail import Kind
from adapters.mail.returns import ReturnsListener
from adapters.transports.email import EmailTransport
from adapters.transports.transport import CameBack, Channel, Delayed, Delivered, Refused
from broker import limits
from broker.schemas.ids import EventId, OrgId, new_event_id
from tests.adapters import reports
from tests.adapters.handovers import ORG, an_offer, channel_to
from tests.adapters.network import until
from tests.adapters.receivers.email import EmailReceiver
from tests.adapters.reports import mail

SETTINGS = {"host": "127.0.0.1", "to": "desk@p.example", "sender": "n@neutral.example", "returns": "r@neutral.example"}


@dataclass(slots=True)
class Told:
    """What the courier is told."""

    came: list[tuple[OrgId, int, EventId, CameBack]] = field(default_factory=list)
    away: bool = False
    """Its database is."""

    async def __call__(self, channel: Channel, message_id: EventId, what: CameBack) -> None:
        """Store it."""
        if self.away:
            raise ConnectionError("the database of the test, with a canary: quillfeather")
        self.came.append((channel.org, channel.place, message_id, what))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def listening(channels: list[Channel], told: Told, port: int) -> AsyncIterator[ReturnsListener]:
    """A listener for these channels."""
    listener = ReturnsListener(f"127.0.0.1:{port}", lambda: channels, told)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def relay(port: int, to: str, raw: bytes, *, size: int | None = None) -> None:
    """What the provider's mail server does with a mail for this address."""
    async with SMTP(hostname="127.0.0.1", port=port, local_hostname="mail.provider.example", start_tls=False) as server:
        await server.mail("", options=[f"SIZE={size or len(raw)}", "BODY=8BITMIME"])
        await server.rcpt(to)
        await server.data(raw)


def a_channel(home: Path, port: int, **how: Any) -> Channel:
    """A channel whose returned mail is heard at this port."""
    return channel_to("email", {**SETTINGS, "returns_listen": f"127.0.0.1:{port}"}, home, **how)


@pytest.mark.parametrize(
    ("sample", "what"),
    [
        (reports.POSTFIX_FAILED, Refused("DSN_5.1.1", pause=True)),
        (reports.EXCHANGE_FAILED, Refused("DSN_5.2.2")),
        (reports.GENERIC_FAILED, Refused("DSN_5.4.4")),
    ],
)
async def test_a_notice_that_bounces_is_undeliverable_within_a_minute(home: Path, sample: str, what: Refused) -> None:
    """From the notice that the mail server took, to the courier hearing that this way has ended for it."""
    told, port = Told(), free_port()
    async with EmailReceiver() as server:
        settings = {**server.settings(), "returns_listen": f"127.0.0.1:{port}"}
        channel = channel_to("email", settings, home, server.secrets())
        offer, transport = an_offer(), EmailTransport()
        hearing = asyncio.create_task(transport.hear_returned(lambda: [channel], told))
        assert await transport.attempt(channel, offer) == Delivered("SMTP_250")
        [notice] = server.mails
        began = time.monotonic()
        await until(lambda: listens(port))
        await relay(port, notice.sender, mail(sample, notice.sender))
        assert told.came == [(ORG, 1, offer.message_id, what)]
        assert time.monotonic() - began < 60
        hearing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hearing
        assert not await listens(port)


async def listens(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_delay_is_noted_and_nothing_else_is_acted_on(home: Path) -> None:
    """An automatic reply is no answer, a receipt is none, nor are a person's words; each is counted."""
    told, port = Told(), free_port()
    channel = a_channel(home, port)
    message_id = new_event_id()
    to = return_address("r@neutral.example", return_key(channel.secrets), message_id)
    async with listening([channel], told, port) as listener:
        for sample in (
            reports.OUT_OF_OFFICE,
            reports.VACATION,
            reports.TICKET,
            reports.READ_RECEIPT,
            reports.RELAYED,
            reports.A_PERSON,
            reports.A_BOUNCE_SENT_ON,
        ):
            await relay(port, to, mail(sample, to))
        assert told.came == []
        await relay(port, to, mail(reports.POSTFIX_DELAYED, to))
        assert told.came == [(ORG, 1, message_id, Delayed("DSN_4.4.1"))]
        expected = {Kind.AUTOMATIC_REPLY: 3, Kind.REPORTED: 2, Kind.OTHER: 2, Kind.DELAYED: 1}
        assert listener.counted == expected


async def test_mail_to_any_other_address_is_refused_before_it_is_sent(home: Path) -> None:
    """Made up, of a channel that is gone, of another organisation's domain, or without a tag."""
    told, port = Told(), free_port()
    channel = a_channel(home, port)
    key, message_id = return_key(channel.secrets), new_event_id()
    ours = return_address("r@neutral.example", key, message_id)
    forged = return_address("r@neutral.example", b"another key" * 3, message_id)
    channels = [channel]
    async with listening(channels, told, port):
        for address in ("r@neutral.example", forged, return_address("r@other.example", key, message_id), "postmaster"):
            with pytest.raises(SMTPRecipientRefused):
                await relay(port, address, mail(reports.POSTFIX_FAILED, address))
        channels.clear()
        with pytest.raises(SMTPRecipientRefused):
            await relay(port, ours, mail(reports.POSTFIX_FAILED, ours))
    assert told.came == []


async def test_each_channel_is_told_of_its_own_notices(home: Path) -> None:
    """Two organisations behind one mail server, with the same address for what comes back."""
    told, port = Told(), free_port()
    haven = a_channel(home / "haven", port)
    haven.secrets.chmod(0o755)  # The folder of one cannot be used: that is not the other's trouble.
    other = a_channel(home / "other", port, org=OrgId("org-other"), place=2)
    message_id = new_event_id()
    to = return_address("r@neutral.example", return_key(other.secrets), message_id)
    async with listening([haven, other], told, port):
        await relay(port, to, mail(reports.EXCHANGE_FAILED, to))
    assert told.came == [("org-other", 2, message_id, Refused("DSN_5.2.2"))]


async def test_a_bounce_that_cannot_be_stored_now_stays_with_the_mail_server(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told to come again, and then nothing is lost; what went wrong is logged by kind alone."""
    told, port = Told(away=True), free_port()
    channel = a_channel(home, port)
    to = return_address("r@neutral.example", return_key(channel.secrets), new_event_id())
    with caplog.at_level(logging.DEBUG):
        async with listening([channel], told, port):
            with pytest.raises(SMTPDataError) as refused:
                await relay(port, to, mail(reports.POSTFIX_FAILED, to))
            assert refused.value.code == 451
            told.away = False
            await relay(port, to, mail(reports.POSTFIX_FAILED, to))
    assert len(told.came) == 1
    for canary in ("quillfeather", "neutral.example", "provider.example", to.partition("@")[0], "k7qf"):
        assert canary not in caplog.text.lower()


async def test_what_is_too_large_is_refused_and_many_at_once_have_to_wait(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb is not kept, whether it says its size or not, and one conversation too many is told to come later."""
    monkeypatch.setattr(limits, "returns_connections_max", 1)
    told, port = Told(), free_port()
    channel = a_channel(home, port)
    to = return_address("r@neutral.example", return_key(channel.secrets), new_event_id())
    bomb = mail(reports.POSTFIX_FAILED, to) + (b"x" * 900 + b"\r\n") * (limits.returned_mail_bytes_max // 900)
    async with listening([channel], told, port) as listener:
        with pytest.raises(SMTPSenderRefused) as declared:
            await relay(port, to, bomb)
        assert declared.value.code == 552
        with pytest.raises(SMTPDataError) as refused:
            await relay(port, to, bomb, size=1000)
        assert refused.value.code == 552
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.readline()).startswith(b"220")
        with pytest.raises(SMTPResponseException) as busy:
            await relay(port, to, mail(reports.POSTFIX_FAILED, to))
        assert busy.value.code == 421
        writer.close()
        await until(lambda: _nobody_talks(listener))
        await relay(port, to, mail(reports.POSTFIX_FAILED, to))
    assert len(told.came) == 1


async def _nobody_talks(listener: ReturnsListener) -> bool:
    return listener.conversations == 0


async def test_where_returned_mail_is_heard_follows_the_channels(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change needs no restart; of two copies on one machine the second listens when the first has gone."""
    monkeypatch.setattr(limits, "returns_look_seconds", 0.05)
    first_port, second_port = free_port(), free_port()
    channels = [a_channel(home, first_port)]
    copies = [asyncio.create_task(EmailTransport().hear_returned(lambda: channels, Told())) for _ in range(2)]
    await until(lambda: listens(first_port))
    channels[:] = [a_channel(home, second_port)]
    await until(lambda: listens(second_port))
    await until(lambda: _silent(first_port))
    copies[0].cancel()
    await asyncio.wait({copies[0]})
    await until(lambda: listens(second_port))
    copies[1].cancel()
    await asyncio.wait({copies[1]})
    assert not await listens(second_port)


async def _silent(port: int) -> bool:
    return not await listens(port)
