"""The demo's mail server: what is sent to it can be read as a file, and goes nowhere."""

import asyncio
import stat
from email import message_from_bytes
from pathlib import Path

import pytest
from aiosmtplib import SMTP

from adapters.transports.email import EmailTransport
from adapters.transports.transport import Delivered
from broker import limits
from broker.local.demo.mail_sink import MailSink
from tests.adapters.handovers import an_offer, channel_to


async def test_a_notice_of_the_demo_can_be_read(home: Path) -> None:
    """By a channel in the clear to this machine; the file is its owner's alone."""
    async with MailSink(home / "mails") as sink:
        settings = {
            "host": "127.0.0.1",
            "port": sink.port,
            "inClear": True,
            "to": "desk@haven.example",
            "sender": "notices@county.example",
            "returns": "returns@county.example",
        }
        transport, channel, offer = EmailTransport(), channel_to("email", settings, home), an_offer()
        await transport.check(channel)
        assert await transport.attempt(channel, offer) == Delivered("SMTP_250")
        [kept] = sink.mails()
    mail = message_from_bytes(kept.read_bytes())
    assert mail["Subject"] == "Something is waiting"
    assert offer.reference in str(mail.get_payload())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_the_oldest_make_room_and_a_restart_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they came, however many come at once."""
    monkeypatch.setattr(limits, "sink_mails_max", 3)
    for first in (1, 4):
        async with MailSink(home / "mails") as sink:
            await asyncio.gather(*(_send(sink.port, number) for number in range(first, first + 3)))
    numbers = [int(message_from_bytes(path.read_bytes())["Subject"]) for path in sink.mails()]
    assert sorted(numbers) == [4, 5, 6]


async def _send(port: int, number: int) -> None:
    async with SMTP(hostname="127.0.0.1", port=port, local_hostname="localhost", start_tls=False) as server:
        await server.mail("a@county.example")
        await server.rcpt("b@county.example")
        await server.data(f"Subject: {number}\r\n\r\nHello\r\n".encode())
