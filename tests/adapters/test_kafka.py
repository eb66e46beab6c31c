"""A provider's own Kafka, real: what it is told, what Kafka's words mean, and which answers are believed."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)
from pydantic import ValidationError
from pydantic_core import to_json

from adapters.errors import AnswerNotPossible, OfferNotFound
from adapters.inbox.answering import Answered
from adapters.kafka.answers import AnswersReader, hear_answers
from adapters.kafka.settings import AUTHORITIES_FILE, PASSWORD_FILE, KafkaSettings
from adapters.kafka.waiting import Waiting
from adapters.standing import Standing
from adapters.transports.kafka import KafkaTransport, outcome_of
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Refused, TryAgain
from broker import limits
from broker.bus.publisher import Message, Publisher
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, KeyId, OfferId, OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from broker.seal.signature import VerifiedSignature, sign, verify
from tests.adapters.certificates import certificates
from tests.adapters.handovers import ORG, an_offer, channel_to
from tests.adapters.network import until
from tests.adapters.receivers.kafka import KafkaReceiver
from tests.adapters.receivers.receiver import Behaviour
from tests.conftest import KafkaForTest

KEY = SigningKey.new(KeyId(f"{ORG}#desk"))
SIGNED: dict[str, Any] = {"sign": lambda headers, value: sign(headers, value, KEY)}


@pytest.fixture
async def transport() -> Any:
    """The transport, stopped afterwards."""
    running = KafkaTransport()
    yield running
    await running.stop()


async def test_the_provider_is_told_that_something_is_waiting_and_nothing_of_tier_2(
    home: Path, transport: KafkaTransport
) -> None:
    """A CloudEvent signed by the organisation, keyed by the referral, under the message's own id on every attempt."""
    async with KafkaReceiver() as receiver:
        channel = channel_to("kafka", {**receiver.settings(), "signed": True}, home, **SIGNED)
        offer = an_offer()
        for attempt in (1, 2):
            assert await transport.attempt(channel, replace(offer, attempt=attempt)) == Delivered("KAFKA_ACKS_ALL")
        first, second = await receiver.records()
    assert (first.key, first.headers, first.value) == (second.key, second.headers, second.value)
    headers = dict(first.headers)
    assert first.key == offer.referral_id.encode()
    assert headers["ce_id"].decode() == offer.message_id
    assert headers["ce_type"].decode() == Waiting.TYPE
    assert headers["ce_source"].decode() == f"urn:dvb:org:{ORG}"
    assert headers["ce_msgstatus"] == b"actual"
    said = verify(first.headers, first.value or b"", ORG, {KEY.key_id: KEY.public}.get)
    assert isinstance(said, VerifiedSignature)
    told = Waiting.model_validate_json(first.value or b"")
    assert (told.about, told.offer_id, told.reference) == (OfferMade.TYPE, offer.offer_id, offer.reference)
    everything = str(first.headers) + str(first.value)
    for canary in ("+15555550100", "US-CA", "adults", "childAgeBands", "EMERGENCY_SHELTER", "preferredLanguage"):
        assert canary not in everything


async def test_what_kafka_says_is_what_came_of_it(
    home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is not wanted never is; one that is not confirmed may have arrived, and does not leave later."""
    monkeypatch.setattr(limits, "own_kafka_send_seconds_max", 1.0)
    async with KafkaReceiver() as receiver:
        channel = channel_to("kafka", receiver.settings(), home)
        first, last = an_offer(), an_offer()
        assert await transport.attempt(channel, first) == Delivered("KAFKA_ACKS_ALL")
        await receiver.behave(Behaviour.REFUSE)
        assert await transport.attempt(channel, an_offer()) == Refused("TOO_LARGE")
        for how in (Behaviour.HANG, Behaviour.AWAY):
            await receiver.behave(how)
            outcome = await transport.attempt(channel, an_offer())
            assert isinstance(outcome, TryAgain)
            assert outcome.code in ("TIMEOUT", "CONNECTION_FAILED")
        await receiver.behave(Behaviour.TAKE)
        assert await transport.attempt(channel, last) == Delivered("KAFKA_ACKS_ALL")
        await transport.stop()
        assert await receiver.received() == [first.message_id, last.message_id]


def test_what_was_given_to_the_producer_may_have_arrived_unless_it_was_refused() -> None:
    """Before that it has not."""
    for error in (KafkaTimeoutError(), RequestTimedOutError(), KafkaConnectionError(), TimeoutError(), KafkaError()):
        before, after = outcome_of(error, sent=False), outcome_of(error, sent=True)
        assert isinstance(before, TryAgain)
        assert isinstance(after, TryAgain)
        assert (before.unknown, after.unknown) == (False, True)
    assert outcome_of(TopicAuthorizationFailedError(), sent=True) == Refused("NOT_AUTHORIZED", pause=True)
    assert outcome_of(SaslAuthenticationFailed(), sent=False) == Refused("LOGIN_REFUSED", pause=True)


async def test_a_topic_that_is_not_there_pauses_the_channel(
    home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not made from here."""
    monkeypatch.setattr(limits, "own_kafka_send_seconds_max", 0.5)
    async with KafkaReceiver() as receiver:
        channel = channel_to("kafka", {**receiver.settings(), "topic": "nowhere"}, home)
        assert await transport.attempt(channel, an_offer()) == Refused("TOPIC_UNKNOWN", pause=True)
        with pytest.raises(ChannelRefused) as refused:
            await transport.check(channel)
        assert refused.value.code == "TOPIC_UNKNOWN"
        await transport.check(channel_to("kafka", receiver.settings(), home))


async def test_a_cluster_that_is_away_or_silent_is_left_in_time(
    home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that hangs makes nobody else wait."""
    monkeypatch.setattr(limits, "own_kafka_attempt_seconds_max", 1.0)
    silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = {"topic": "own", "protection": "PLAINTEXT", "signed": False}
    hangs = channel_to("kafka", {**settings, "bootstrap": f"127.0.0.1:{port}"}, home)
    try:
        waiting = asyncio.create_task(transport.attempt(hangs, an_offer()))
        async with KafkaReceiver() as receiver:
            well = channel_to("kafka", receiver.settings(), home)
            assert await transport.attempt(well, an_offer()) == Delivered("KAFKA_ACKS_ALL")
        assert await waiting == TryAgain("TIMEOUT")
    finally:
        silent.close()
    away = channel_to("kafka", {**settings, "bootstrap": f"127.0.0.1:{port}"}, home)
    assert await transport.attempt(away, an_offer()) == TryAgain("CONNECTION_FAILED")


async def test_producers_are_few(home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each cluster, however many channels; the one that was used longest ago is closed for another."""
    monkeypatch.setattr(limits, "own_kafka_clusters_max", 1)
    async with KafkaReceiver() as one, KafkaReceiver() as two:
        elsewhere = {**two.settings(), "bootstrap": f"{two.bootstrap},{two.bootstrap}"}
        channels = [channel_to("kafka", settings, home) for settings in (one.settings(), two.settings(), elsewhere)]
        for channel in (*channels, *channels):
            assert await transport.attempt(channel, an_offer()) == Delivered("KAFKA_ACKS_ALL")
        assert transport.clusters == 1


async def test_without_a_signer_or_a_secret_nothing_is_sent(home: Path, transport: KafkaTransport) -> None:
    """Nor is the name of the file that is missing, or what it should hold, in what comes of it."""
    settings = {"bootstrap": "127.0.0.1:1", "topic": "own", "protection": "PLAINTEXT"}
    assert await transport.attempt(channel_to("kafka", settings, home), an_offer()) == Refused("NO_SIGNER", pause=True)
    protected = {**settings, "protection": "SASL_SSL", "user": "desk", "signed": False}
    channel = channel_to("kafka", protected, home)
    assert await transport.attempt(channel, an_offer()) == Refused("SECRETS_UNREADABLE", pause=True)
    assert "desk" not in repr(channel)


async def test_over_tls_the_cluster_has_to_prove_its_name(
    home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the authority in the channel's folder; what another one vouches for gets nothing."""
    monkeypatch.setattr(limits, "own_kafka_attempt_seconds_max", 3.0)
    async with KafkaReceiver(tls=certificates().server) as receiver:
        settings, offer = {**receiver.settings(), "protection": "SSL"}, an_offer()
        for authority in (certificates("127.0.0.99").authority, None):
            files = {} if authority is None else {AUTHORITIES_FILE: authority}
            wrong = channel_to("kafka", settings, home / str(len(files)), files)
            assert isinstance(await transport.attempt(wrong, an_offer()), TryAgain)
        right = channel_to("kafka", settings, home, {AUTHORITIES_FILE: certificates().authority})
        assert await transport.attempt(right, offer) == Delivered("KAFKA_ACKS_ALL")
        assert await receiver.received() == [offer.message_id]


async def test_a_password_stands_in_no_log(
    home: Path, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even at the most talkative level, when the connection fails."""
    monkeypatch.setattr(limits, "own_kafka_attempt_seconds_max", 1.0)
    async with KafkaReceiver() as receiver:
        settings = {**receiver.settings(), "protection": "SASL_SSL", "user": "desk-user"}
        channel = channel_to("kafka", settings, home, {PASSWORD_FILE: b"canary-quillfeather\n"})
        with caplog.at_level(logging.DEBUG):
            assert isinstance(await transport.attempt(channel, an_offer()), TryAgain)
        with pytest.raises(ChannelRefused) as refused:
            await transport.check(channel)
    for said in (caplog.text, repr(channel), str(refused.value) + refused.value.remedy):
        assert "quillfeather" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"bootstrap": "kafka.provider.example:9092"},
        {"protection": "SASL_SSL"},
        {"protection": "SASL_PLAINTEXT", "user": "desk"},
        {"user": "desk"},
        {"topic": "../x"},
        {"bootstrap": "user:pass@127.0.0.1:9092"},
        {"password": "here"},
    ],
)
def test_settings_that_would_show_a_password_or_a_record_are_refused(wrong: dict[str, str]) -> None:
    """Clear text stays on this machine, and a password never stands in the settings."""
    good = {"bootstrap": "127.0.0.1:9092", "topic": "own", "protection": "PLAINTEXT"}
    KafkaSettings.model_validate(good)
    with pytest.raises(ValidationError):
        KafkaSettings.model_validate({**good, **wrong})


class Stored:
    """Where answers go: one offer can be answered, the database may be away."""

    def __init__(self, offer_id: OfferId) -> None:
        self.offer_id = offer_id
        self.answers: list[EventId] = []
        self.away = False
        self.asked = 0

    async def __call__(
        self, org: OrgId, offer_id: OfferId, fact: EventData, event_id: EventId, **how: object
    ) -> Answered:
        """Store it once."""
        self.asked += 1
        if self.away:
            raise ConnectionError
        if offer_id != self.offer_id:
            raise OfferNotFound
        if event_id not in self.answers and self.answers:
            raise AnswerNotPossible(RefusalCode.OFFER_ALREADY_ANSWERED)
        repeated = event_id in self.answers
        if not repeated:
            self.answers.append(event_id)
        return Answered(event_id, Standing.CONTACT_PENDING, repeated)


class Desk:
    """The provider's own system: publishes answers to its own topic."""

    def __init__(self, kafka: KafkaForTest, topic: str) -> None:
        self._kafka = {"bootstrap_servers": kafka.bootstrap}
        self.topic = topic

    async def say(
        self,
        offer_id: OfferId,
        *,
        key: SigningKey | None = KEY,
        org: OrgId = ORG,
        status: MsgStatus = MsgStatus.ACTUAL,
        fact: EventData | None = None,
        expires: datetime | None = None,
        event_id: EventId | None = None,
    ) -> EventId:
        """Accept an offer, or say something else."""
        said = fact or OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF)
        envelope = Envelope(
            id=event_id or new_event_id(),
            org=org,
            type=said.TYPE,
            subject=new_referral_id(),
            time=datetime.now(UTC),
            msgstatus=status,
            expirytime=expires,
        )
        publisher = Publisher(self._kafka, None if key is None else lambda headers, value: sign(headers, value, key))
        try:
            assert await publisher.send([Message(self.topic, envelope.attributes(), said.wire())]) == [True]
        finally:
            await publisher.stop()
        return envelope.id


def answering_channel(kafka: KafkaForTest, topic: str, home: Path, **cards: SigningKey) -> Channel:
    """A channel whose answers are on this topic, signed by one of these keys."""
    settings = {
        "bootstrap": kafka.bootstrap,
        "topic": topic,
        "protection": "PLAINTEXT",
        "signed": False,
        "answers": {"topic": topic, "group": f"g-{secrets.token_hex(4)}"},
    }
    now = datetime.now(UTC)
    files = {f"answers-key-{name}.json": key.card(now).wire().encode() for name, key in cards.items()}
    return channel_to("kafka", settings, home, files)


@pytest.fixture
async def desk(kafka: KafkaForTest) -> Desk:
    """The provider's system with a topic of its own."""
    topic = f"{kafka.prefix}answers"
    await kafka.create_topics(topic)
    return Desk(kafka, topic)


async def test_answers_are_believed_by_signature_and_nothing_else_holds_them_up(
    kafka: KafkaForTest, desk: Desk, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Forged, foreign, from a drill, expired, of another type, unreadable: set aside by code; the one behind counts."""
    offer_id, other = new_offer_id(), SigningKey.new(KeyId("org-other#desk"))
    past = datetime.now(UTC) - timedelta(minutes=1)
    stranger = SigningKey.new(KeyId(f"{ORG}#stranger"))
    forged = SigningKey(KEY.key_id, b"\x07" * 32)
    channel = answering_channel(kafka, desk.topic, home, one=KEY)
    stored = Stored(offer_id)
    await desk.say(offer_id, key=None)
    await desk.say(offer_id, key=stranger)
    await desk.say(offer_id, key=forged)
    await desk.say(offer_id, key=other, org=OrgId("org-other"))
    await desk.say(offer_id, status=MsgStatus.EXERCISE)
    await desk.say(offer_id, expires=past)
    await desk.say(offer_id, fact=OfferMade.read(_wire(OfferMade.EXAMPLE)))
    await desk.say(new_offer_id())
    right = await desk.say(offer_id)
    await desk.say(offer_id, event_id=right)
    late = await desk.say(offer_id)
    reader = AnswersReader(channel, stored)
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(reader.run())
        await until(_holds(lambda: reader.set_aside == 9))
        running.cancel()
        await asyncio.wait({running})
    assert stored.answers == [right]
    assert late not in stored.answers
    for code in ("SIGNATURE_MISSING", "KEY_UNKNOWN", "SIGNATURE_INVALID", "SOURCE_NOT_BOUND", "WRONG_ENVIRONMENT"):
        assert code in caplog.text
    for code in ("EXPIRED", "TYPE_NOT_YOURS", "OFFER_UNKNOWN", "OFFER_ALREADY_ANSWERED"):
        assert code in caplog.text
    assert offer_id not in caplog.text


async def test_an_answer_that_cannot_be_stored_now_comes_again(kafka: KafkaForTest, desk: Desk, home: Path) -> None:
    """Its offset is committed after it is stored: another copy that takes over finds it, and only once counts."""
    offer_id = new_offer_id()
    stored = Stored(offer_id)
    stored.away = True
    right = await desk.say(offer_id)
    channels = [answering_channel(kafka, desk.topic, home, one=KEY)]
    first = asyncio.create_task(hear_answers(lambda: channels, stored))
    await until(_holds(lambda: stored.asked > 1))
    first.cancel()
    await asyncio.wait({first})
    stored.away = False
    second = asyncio.create_task(hear_answers(lambda: channels, stored))
    await until(_holds(lambda: stored.answers == [right]))
    second.cancel()
    await asyncio.wait({second})


async def test_where_answers_are_read_follows_the_channels(
    kafka: KafkaForTest, desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch, transport: KafkaTransport
) -> None:
    """A channel comes, its folder has no key yet, then it has; a change needs no restart."""
    monkeypatch.setattr(limits, "own_kafka_look_seconds", 0.05)
    offer_id = new_offer_id()
    stored, channels = Stored(offer_id), list[Channel]()
    hearing = asyncio.create_task(transport.hear(lambda: channels, stored))
    without = answering_channel(kafka, desk.topic, home)
    with pytest.raises(ChannelRefused) as refused:
        await transport.check(without)
    assert refused.value.code == "ANSWERS_KEY_MISSING"
    channels.append(without)
    right = await desk.say(offer_id)
    channels[:] = [answering_channel(kafka, desk.topic, home, one=SigningKey.new(KeyId(f"{ORG}#old")), two=KEY)]
    await transport.check(channels[0])
    await until(_holds(lambda: stored.answers == [right]))
    hearing.cancel()
    await asyncio.wait({hearing})


def _holds(what: Callable[[], bool]) -> Callable[[], Any]:
    async def asked() -> bool:
        return what()

    return asked


def _wire(example: Any) -> bytes:
    return to_json(example)
