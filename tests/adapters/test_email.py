"""Notices by e-mail: what a notice says, how it gets to the mail server, and what the server's words mean."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.mail.notice import Language, notice, tells
from adapters.mail.return_address import message_of, return_address, return_key
from adapters.mail.settings import EmailSettings
from adapters.transports.email import AUTHORITIES_FILE, PASSWORD_FILE, EmailTransport
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Refused, TryAgain
from broker import limits
from broker.schemas.ids import new_event_id
from broker.schemas.vocabulary import MsgStatus
from tests.adapters.certificates import certificates
from tests.adapters.handovers import REFERENCE, an_offer, channel_to
from tests.adapters.receivers.email import PASSWORD, EmailReceiver
from tests.adapters.receivers.receiver import Behaviour

WORDS_THAT_TELL = """
    abuse abuser advocate assault battered children counseling crisis danger domestic emergency escape hospital hotline
    husband legal offer partner police prosecutor protection rape referral refuge safe shelter sheriff survivor therapy
    threat tonight trauma urgent victim violence wife woman women
    abogada abuso agresor albergue asesoría casa clínica consejería crisis derivación doméstica emergencia esposa fiscal
    hogar hospital marido maltrato mujer mujeres niños oferta pareja peligro policía protección refugio remisión segura
    sobreviviente terapia urgente víctima violencia violación
"""


@asynccontextmanager
async def mail_server(folder: Path, **settings: object) -> AsyncIterator[tuple[EmailReceiver, Channel]]:
    """A mail server and a channel to it."""
    async with EmailReceiver() as server:
        yield server, channel_to("email", {**server.settings(), **settings}, folder, server.secrets())


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("environment", [MsgStatus.ACTUAL, MsgStatus.EXERCISE])
def test_a_notice_says_that_something_is_waiting_and_no_word_of_what(
    language: Language, environment: MsgStatus
) -> None:
    """Every header and every line, against a list of words in English and Spanish."""
    handover = an_offer(environment=environment)
    mail = notice(handover, sender="notices@neutral.example", to="desk@provider.example", language=language).decode()
    words = set(re.findall(r"[^\W\d_]+", mail.lower()))
    assert words.isdisjoint(WORDS_THAT_TELL.split())
    assert not tells(mail)
    assert REFERENCE in mail


def test_the_words_that_a_sender_is_held_against_are_found_within_longer_ones() -> None:
    """As a domain has them, with accents or without, and no harmless word is taken for one."""
    for word in (
        "info@havenshelter.org",
        "avisos@casarefugio.example",
        "aviso@violencia.example",
        "Policía",
        "polic\u00eda",
    ):
        assert tells(word)
    for word in ("notices@neutral.example", "desk@grapevine.example", "updates@countydesk.example"):
        assert not tells(word)


def test_there_is_nothing_in_a_notice_that_a_scanner_could_open() -> None:
    """No link at all, so that no GET of a mail scanner or a preview can be taken for a person; no HTML, no receipt."""
    mail = notice(an_offer(), sender="notices@neutral.example", to="desk@provider.example", language=Language.ENGLISH)
    text = mail.decode("ascii").lower()
    assert not re.search(r"https?:|www\.|://|<[a-z]+[ >/]|href|src=|cid:|mailto:", text)
    assert "content-type: text/plain" in text
    assert "multipart" not in text
    for header in ("disposition-notification-to", "return-receipt-to", "list-unsubscribe", "reply-to", "x-mailer"):
        assert f"\r\n{header}:" not in text


def test_a_drill_is_called_one_where_a_locked_screen_shows_it() -> None:
    """In the subject and in the first line."""
    drill = an_offer(environment=MsgStatus.EXERCISE)
    text = notice(drill, sender="a@b.example", to="c@d.example", language=Language.ENGLISH).decode()
    assert "Subject: Exercise: Something is waiting\r\n" in text
    assert "\r\n\r\nExercise: Something is waiting." in text


async def test_a_notice_arrives_over_tls_and_delivered_means_that_the_server_has_it(home: Path) -> None:
    """With a login, from an address of its own, under the message's id, and nothing of the offer is in it."""
    async with mail_server(home) as (server, channel):
        offer = an_offer()
        assert await EmailTransport().attempt(channel, offer) == Delivered("SMTP_250")
        [mail] = server.mails
        assert mail.to == "desk@provider.example"
        assert message_of(mail.sender, "returns@neutral.example", return_key(channel.secrets)) == offer.message_id
        assert mail.message["Message-ID"] == f"<{offer.message_id}@neutral.example>"
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert set(server.names) == {"neutral.example"}, "the machine's own name is not told"
        told = mail.raw.decode() + mail.sender
        for secret in (offer.offer_id, offer.referral_id, channel.org, "+15555550100", "US-CA", "P1"):
            assert secret not in told


async def test_a_repeat_is_the_same_mail_byte_by_byte(home: Path) -> None:
    """So that servers and readers know it as one."""
    async with mail_server(home) as (server, channel):
        offer = an_offer()
        for attempt in (1, 2):
            await EmailTransport().attempt(channel, replace(offer, attempt=attempt))
        first, second = server.mails
        assert (first.raw, first.sender) == (second.raw, second.sender)


async def test_greylisting_passes(home: Path) -> None:
    """F16: the server says "later" to a stranger, and takes the same notice afterwards."""
    async with mail_server(home) as (server, channel):
        await server.behave(Behaviour.TRY_LATER)
        offer = an_offer()
        assert await EmailTransport().attempt(channel, offer) == TryAgain("SMTP_451")
        await server.behave(Behaviour.TAKE)
        assert await EmailTransport().attempt(channel, offer) == Delivered("SMTP_250")
        assert await server.received() == [offer.message_id]


@pytest.mark.parametrize(
    ("step", "said", "outcome"),
    [
        ("rcpt", "550 5.1.1 No such mailbox", Refused("SMTP_550", pause=True)),
        ("rcpt", "550 5.7.1 Not from you", Refused("SMTP_550")),
        ("rcpt", "452 4.2.2 Mailbox full", TryAgain("SMTP_452")),
        ("mail", "553 5.7.1 Sender not allowed", Refused("SMTP_553", pause=True)),
        ("mail", "421 4.3.2 Shutting down", TryAgain("SMTP_421")),
        ("data", "554 5.6.0 Content rejected", Refused("SMTP_554")),
        ("data", "451 4.3.0 Disk full", TryAgain("SMTP_451")),
        ("data", "777 What is this", TryAgain("SMTP_UNREADABLE", unknown=True)),
    ],
)
async def test_what_the_server_says_is_what_came_of_it(
    home: Path, step: str, said: str, outcome: Refused | TryAgain
) -> None:
    """A final no about the channel or the mailbox pauses it; one about this mail does not."""
    async with mail_server(home) as (server, channel):
        setattr(server.replies, step, said)
        assert await EmailTransport().attempt(channel, an_offer()) == outcome


async def test_a_server_that_falls_silent_is_left_in_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it had the mail it has not arrived; afterwards nobody knows."""
    monkeypatch.setattr(limits, "mail_attempt_seconds_max", 0.5)
    async with mail_server(home) as (server, channel):
        server.replies.hang_after_data = True
        assert await EmailTransport().attempt(channel, an_offer()) == TryAgain("TIMEOUT", unknown=True)
        await server.behave(Behaviour.HANG)
        assert await EmailTransport().attempt(channel, an_offer()) == TryAgain("TIMEOUT")
        await server.behave(Behaviour.AWAY)
        assert await EmailTransport().attempt(channel, an_offer()) == TryAgain("CONNECTION_FAILED")


async def test_without_tls_nothing_is_said_but_our_name(home: Path) -> None:
    """A server that does not offer it, or somebody in between who strikes it out."""
    async with EmailReceiver(offer_tls=False) as server:
        channel = channel_to("email", server.settings(), home, server.secrets())
        assert await EmailTransport().attempt(channel, an_offer()) == Refused("TLS_NOT_OFFERED", pause=True)
        with pytest.raises(ChannelRefused) as refused:
            await EmailTransport().check(channel)
        assert refused.value.code == "TLS_NOT_OFFERED"
        assert server.mails == []


async def test_a_server_that_cannot_prove_its_name_gets_nothing(home: Path) -> None:
    """By the wrong authority, or with a certificate for another address."""
    elsewhere = certificates("127.0.0.99")
    async with EmailReceiver(tls=elsewhere.server) as server:
        for authority in (elsewhere.authority, certificates().authority):
            channel = channel_to("email", server.settings(), home, {**server.secrets(), AUTHORITIES_FILE: authority})
            assert await EmailTransport().attempt(channel, an_offer()) == Refused("TLS_CERTIFICATE", pause=True)
        assert server.mails == []


async def test_a_wrong_password_pauses_the_channel_and_is_not_told(home: Path) -> None:
    """Neither what was tried nor what is right stands in what is raised."""
    async with mail_server(home) as (_, channel):
        channel = channel_to("email", channel.settings.model_dump(), home, {PASSWORD_FILE: b"not this one"})
        with pytest.raises(ChannelRefused) as refused:
            await EmailTransport().check(channel)
        assert refused.value.code == "SMTP_535"
        for said in (str(refused.value), refused.value.remedy, repr(channel)):
            assert "not this one" not in said
            assert PASSWORD not in said
        assert await EmailTransport().attempt(channel, an_offer()) == Refused("SMTP_535", pause=True)


async def test_secrets_that_others_can_read_are_not_used(home: Path) -> None:
    """The file's mode is looked at on every attempt."""
    async with mail_server(home) as (server, channel):
        (channel.secrets / PASSWORD_FILE).chmod(0o644)
        assert await EmailTransport().attempt(channel, an_offer()) == Refused("SECRETS_UNREADABLE", pause=True)
        assert server.mails == []


@pytest.mark.parametrize("field", ["sender", "returns"])
async def test_a_sender_that_says_what_it_is_about_is_refused(home: Path, field: str) -> None:
    """When the channel is saved, and just so on every attempt."""
    async with mail_server(home, **{field: "notices@havenshelter.example"}) as (server, channel):
        with pytest.raises(ChannelRefused) as refused:
            await EmailTransport().check(channel)
        assert refused.value.code == "SENDER_TELLS"
        assert "haven" not in str(refused.value) + refused.value.remedy
        assert await EmailTransport().attempt(channel, an_offer()) == Refused("SENDER_TELLS", pause=True)
        assert server.mails == []


async def test_a_channel_is_checked_without_sending_a_mail(home: Path) -> None:
    """All the way to the recipient; greylisting is no reason to refuse a channel, an unknown mailbox is."""
    async with mail_server(home) as (server, channel):
        await EmailTransport().check(channel)
        server.replies.rcpt = "451 4.7.1 Greylisted"
        await EmailTransport().check(channel)
        server.replies.rcpt = "550 5.1.1 No such mailbox"
        with pytest.raises(ChannelRefused) as refused:
            await EmailTransport().check(channel)
        assert refused.value.code == "SMTP_550"
        await server.behave(Behaviour.AWAY)
        with pytest.raises(ChannelRefused) as refused:
            await EmailTransport().check(channel)
        assert refused.value.code == "CONNECTION_FAILED"
        assert server.mails == []


async def test_an_attempt_can_be_given_up_at_any_time(home: Path) -> None:
    """It ends at once, and the connection with it."""
    async with mail_server(home) as (server, channel):
        server.replies.hang_after_data = True
        attempt = asyncio.create_task(EmailTransport().attempt(channel, an_offer()))
        await server.came.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(attempt, 1)


async def test_nothing_of_a_notice_stands_in_a_log(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither where it goes, nor the password, nor the reference, whatever comes of it and at whatever level."""
    with caplog.at_level(logging.DEBUG):
        async with mail_server(home) as (server, channel):
            await EmailTransport().attempt(channel, an_offer())
            for how in (Behaviour.TRY_LATER, Behaviour.REFUSE, Behaviour.AWAY):
                await server.behave(how)
                await EmailTransport().attempt(channel, an_offer())
    for canary in ("desk@", "provider.example", "neutral.example", PASSWORD, REFERENCE, "returns+"):
        assert canary not in caplog.text


GOOD = {"host": "127.0.0.1", "to": "a@b.example", "sender": "c@d.example", "returns": "r@d.example"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "a@b.example\r\nBcc: x@y.example"),
        ("to", "a@b.example, x@y.example"),
        ("sender", "Name <c@d.example>"),
        ("sender", "c@d.example\n"),
        ("returns", "much-too-long-for-a-tag@d.example"),
        ("returns", "r+x@d.example"),
        ("host", "127.0.0.1\r\n"),
        ("user", "x\r\ny"),
        ("port", 0),
        ("in_clear_elsewhere", True),
        ("password", "in the wrong place"),
    ],
)
def test_settings_that_could_say_more_than_an_address_are_refused(field: str, value: object) -> None:
    """No header, no second recipient, no secret, no clear text to another machine; and no value is repeated."""
    EmailSettings.model_validate(GOOD)
    changed = {**GOOD, field: value}
    if field == "in_clear_elsewhere":
        changed = {**GOOD, "host": "localhost", "in_clear": True}
    with pytest.raises(ValidationError) as refused:
        EmailSettings.model_validate(changed)
    assert str(value) not in str(refused.value) or value in (0, True)


async def test_a_demo_may_speak_in_the_clear_to_its_own_machine(home: Path) -> None:
    """And says so in the channel."""
    async with EmailReceiver(offer_tls=False) as server:
        settings = {**server.settings(), "user": None, "in_clear": True}
        channel = channel_to("email", settings, home)
        assert await EmailTransport().attempt(channel, an_offer()) == Delivered("SMTP_250")


def test_a_return_address_names_its_message_under_one_key_alone(home: Path) -> None:
    """In any case of letters; another key, another character or another address names nothing."""
    key, other = return_key(home / "a"), return_key(home / "b")
    message_id = new_event_id()
    address = return_address("returns@neutral.example", key, message_id)
    assert len(address.partition("@")[0]) <= 64
    assert message_of(address.upper(), "returns@neutral.example", key) == message_id
    assert message_of(address, "returns@neutral.example", other) is None
    assert message_of(address, "others@neutral.example", key) is None
    local, domain = address.split("@")
    for place in range(len("returns+"), len(local)):
        changed = "a" if local[place] != "a" else "b"
        forged = f"{local[:place]}{changed}{local[place + 1 :]}@{domain}"
        assert message_of(forged, "returns@neutral.example", key) is None
