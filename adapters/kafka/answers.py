"""Answers that a provider's own system publishes in its own Kafka: believed by signature, stored, then acknowledged.

Whoever can write to the topic is not thereby believed: an answer is signed with a key whose card lies in the channel's
folder. What is not an answer of this organisation is set aside by code and does not hold up what follows. An answer
that comes before the one that must precede it waits for that in our own tables (adapters/inbox/early.py).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from adapters.errors import AnswerNotPossible, OfferNotFound
from adapters.kafka.settings import AnswersSettings, KafkaSettings
from adapters.kind import EVERY_ANSWER
from adapters.transports.transport import Answers, Channel
from broker import limits
from broker.bus.stopping import stopped
from broker.errors import HandoffError
from broker.schemas.envelope import read_envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, KeyId, OfferId, OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.seal.cards import read_card
from broker.seal.errors import KeyMissing
from broker.seal.key_files import read_secret
from broker.seal.keys import PublicSigningKey
from broker.seal.signature import SignatureFault, verify
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

KEY_CARDS: Final = "answers-key*.json"
"""The cards of the keys that answers are signed with: more than one while one replaces another."""

_WAIT_MS: Final = 500
"""For records, in one look; those that come meanwhile are given at once."""

Record = ConsumerRecord[bytes, bytes]
Keys = Mapping[KeyId, PublicSigningKey]
Answer = tuple[OfferId, EventData, EventId, datetime]
"""To which offer, what, under which id, and when it was said."""


def answer_keys(folder: Path, now: datetime) -> Keys:
    """The keys that the organisation's own system signs its answers with, as of now.

    Raises:
        KeyMissing: there is none.
        SealError: a card cannot be used, or others could have put it there.
    """
    cards = [read_card(read_secret(path)) for path in sorted(folder.glob(KEY_CARDS))]
    keys = {card.key_id: PublicSigningKey.of_card(card) for card in cards if card.valid_at(now)}
    if not keys:
        raise KeyMissing(f"{folder} holds no valid card ({KEY_CARDS}) of a key that answers are signed with.")
    return keys


def read_answer(record: Record, channel: Channel, settings: AnswersSettings, keys: Keys, now: datetime) -> Answer:
    """The answer that a record carries.

    Raises:
        Refused: it is none of this organisation's, by code.
    """
    received = read_envelope(record.key, record.headers, record.value)
    envelope = received.envelope
    if envelope.org != channel.org:
        raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
    said = verify(record.headers, record.value or b"", channel.org, keys.get)
    if isinstance(said, SignatureFault):
        raise Refused(said.refusal, "wh-signature")
    if envelope.msgstatus is not settings.environment:
        raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
    if envelope.expirytime is not None and envelope.expirytime <= now:
        raise Refused(RefusalCode.EXPIRED, "expirytime")
    if received.event_class not in EVERY_ANSWER or "offer_id" not in received.event_class.model_fields:
        raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")
    fact = received.event_class.read(received.data)
    offer_id = OfferId(getattr(fact, "offer_id"))  # noqa: B009  which class it is, is checked above
    return offer_id, fact, envelope.id, envelope.time


class AnswersReader:
    """Reads the answers of one channel."""

    def __init__(self, channel: Channel, answers: Answers) -> None:
        assert isinstance(channel.settings, KafkaSettings)
        assert channel.settings.answers is not None
        self.channel = channel
        self._settings = channel.settings
        self._wanted = channel.settings.answers
        self._answers = answers
        self.set_aside = 0
        """Records that were no answer, or not one that could be given."""

    async def run(self) -> None:
        """Read until cancelled, waiting for Kafka and for whoever stores as long as it takes."""
        options = await asyncio.to_thread(self._settings.client_options, self.channel.secrets)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((KafkaError, *TRANSIENT)),
            wait=wait_random_exponential(multiplier=0.1, max=limits.own_kafka_pause_seconds_max),
            before_sleep=lambda state: log.warning("answers wait: attempt %d", state.attempt_number),
        )
        async for attempt in retrying:
            with attempt:
                await self._read(options)

    async def _read(self, options: Mapping[str, Any]) -> None:
        """Read from where Kafka says that this group has come; it is told how far after a batch is stored."""
        consumer = AIOKafkaConsumer(
            self._wanted.topic,
            **options,
            group_id=self._wanted.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=limits.own_kafka_answers_max,
        )
        try:
            await consumer.start()
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=_WAIT_MS)).items():
                    await self.store(records)
                    await consumer.commit({partition: records[-1].offset + 1})
        finally:
            await stopped(consumer)

    async def store(self, records: Sequence[Record]) -> None:
        """Give each answer to those who store it; whatever they raise besides a no, the whole batch comes again."""
        now = datetime.now(UTC)
        keys = await asyncio.to_thread(answer_keys, self.channel.secrets, now)
        for record in records:
            try:
                offer_id, fact, event_id, said_at = read_answer(record, self.channel, self._wanted, keys, now)
                await self._answers(self.channel.org, offer_id, fact, event_id, said_at=said_at)
            except (Refused, AnswerNotPossible) as refused:
                self._aside(record, refused.code.value)
            except OfferNotFound:
                self._aside(record, RefusalCode.OFFER_UNKNOWN.value)

    def _aside(self, record: Record, code: str) -> None:
        self.set_aside += 1
        log.warning(
            "an answer of %s is set aside: partition %d, offset %d: %s",
            self.channel.org,
            record.partition,
            record.offset,
            code,
        )


async def hear_answers(channels: Callable[[], Sequence[Channel]], answers: Answers) -> None:
    """Read the answers of every channel of now that has a topic for them, until cancelled."""
    readers: dict[tuple[OrgId, int], tuple[Channel, asyncio.Task[None]]] = {}
    try:
        while True:
            wanted = {(channel.org, channel.place): channel for channel in channels() if _answers_by(channel)}
            for key, (channel, task) in tuple(readers.items()):
                if task.done():
                    _tell_why(task)
                if task.done() or wanted.get(key) != channel:
                    task.cancel()
                    await asyncio.wait({task})
                    del readers[key]
            for key in set(wanted) - set(readers):
                reader = AnswersReader(wanted[key], answers)
                readers[key] = (wanted[key], asyncio.create_task(reader.run(), name="own-kafka-answers"))
            await asyncio.sleep(limits.own_kafka_look_seconds)
    finally:
        for _, task in readers.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in readers.values()), return_exceptions=True)


def _answers_by(channel: Channel) -> bool:
    return isinstance(channel.settings, KafkaSettings) and channel.settings.answers is not None


def _tell_why(task: asyncio.Task[None]) -> None:
    """A reader ends by itself only where its channel's folder cannot be used; anything else is a defect."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, HandoffError | ValueError):
        raise error
    log.warning("answers of a provider's own Kafka cannot be read yet (%s)", type(error).__name__)
