"""What the broker tells an agency: read from its notice topic, believed only if the broker signed it, told in words.

`listen` gives every notice at least once, under a name of the reader's own. `Outcomes` finds what became of one event.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, UnknownTopicOrPartitionError

from broker.agency.errors import NotOnboarded
from broker.errors import KafkaUnreachable
from broker.limits import (
    kafka_connect_seconds_max,
    notice_clock_skew_seconds_max,
    notice_poll_milliseconds,
    notices_remembered_max,
)
from broker.schemas.envelope import read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import EventId
from broker.schemas.refusal import ADVICE, Advice, RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.seal.signature import SignatureFault, verify
from broker.zone import AgencyZone

log = logging.getLogger(__name__)

KafkaRecord = ConsumerRecord[bytes, bytes]
Answer = EventAccepted | EventRefused
Position = tuple[str, int, int]
"""Topic, partition, offset."""
Wanted = EventId | Position
"""An event by its id, or a record by where it stands: what could not be read has no id."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Notice:
    """One word of the broker's. `subject` is what it is about, `cause` the event it follows from, times are UTC."""

    event_id: EventId
    subject: str
    time: datetime
    fact: EventData = field(repr=False)
    cause: EventId | None = None

    @property
    def advice(self) -> Advice | None:
        """For a refusal: what it means in plain words, and what to do."""
        return ADVICE[self.fact.code] if isinstance(self.fact, EventRefused) else None


class Remembered(OrderedDict[Key, Value], Generic[Key, Value]):
    """A dictionary of the newest so many entries."""

    def __init__(self, entries_max: int) -> None:
        """Empty."""
        super().__init__()
        self._entries_max = entries_max

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        while len(self) > self._entries_max:
            self.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whose word counts, and in which environment."""

    zone: AgencyZone
    topics: Topics

    @property
    def topic(self) -> str:
        """The agency's notice topic."""
        return self.topics.name(Flow.BROKER_TO_SOURCE, self.zone.org)

    def read(self, record: KafkaRecord) -> Notice | None:
        """The notice that a record carries; None, and a line in the log, for what is not the broker's own word."""
        try:
            return self._notice(record)
        except Refused as refused:
            place = (record.topic, record.partition, record.offset)
            log.warning("a notice was not believed at %s/%d/%d: %s", *place, refused.code.value)
            return None

    def _notice(self, record: KafkaRecord) -> Notice:
        received = read_envelope(record.key, record.headers, record.value)
        envelope, broker = received.envelope, self.zone.directory.broker
        if envelope.org != broker or Flow.BROKER_TO_SOURCE not in received.event_class.FLOWS:
            raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
        if envelope.msgstatus is not self.topics.environment:
            raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
        checked = verify(record.headers, record.value or b"", broker, self.zone.broker_keys.get)
        if isinstance(checked, SignatureFault):
            raise Refused(checked.refusal, "wh-signature")
        fact = received.event_class.read(received.data)
        return Notice(envelope.id, envelope.subject, envelope.time, fact, envelope.causationid)


class Listener:
    """Reads an agency's notice topic. Consumers that are still open when it closes are closed with it."""

    def __init__(self, kafka: Mapping[str, Any], hearing: Hearing) -> None:
        """`kafka` are the keyword arguments of every aiokafka client."""
        self._kafka = dict(kafka)
        self._hearing = hearing
        self._open: set[AIOKafkaConsumer] = set()
        self._heard: dict[str, Remembered[EventId, None]] = {}

    @property
    def topic(self) -> str:
        """The agency's notice topic."""
        return self._hearing.topic

    async def stop(self) -> None:
        """End every reading."""
        for consumer in list(self._open):
            await consumer.stop()

    async def notices(self, group: str, *, from_start: bool) -> AsyncGenerator[Notice]:
        """Each notice at least once; where `group` has been before, on from there, else from the start or from now.

        A notice counts as handled when the next one is asked for.
        """
        heard = self._heard.setdefault(group, Remembered(notices_remembered_max))
        reset = "earliest" if from_start else "latest"
        async with self.consumer(group_id=group, auto_offset_reset=reset) as consumer:
            if not from_start:
                await _commit(consumer, await _begun(consumer))
            async for batch in batches_of(consumer):
                handled: dict[TopicPartition, int] = {}
                try:
                    for record in batch:
                        notice = self._hearing.read(record)
                        if notice is not None and notice.event_id not in heard:
                            yield notice
                            heard[notice.event_id] = None
                        handled[TopicPartition(record.topic, record.partition)] = record.offset + 1
                finally:
                    await _commit(consumer, handled)

    @asynccontextmanager
    async def consumer(self, *, group_id: str | None, auto_offset_reset: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of the notice topic, its offsets committed by nobody but us.

        Raises:
            NotOnboarded: there is no such topic.
            KafkaUnreachable: Kafka does not answer.
        """
        consumer = AIOKafkaConsumer(
            self._hearing.topic,
            **self._kafka,
            group_id=group_id,
            auto_offset_reset=auto_offset_reset,
            enable_auto_commit=False,
        )
        self._open.add(consumer)
        try:
            await _started(consumer, self._hearing.topic)
            yield consumer
        finally:
            self._open.discard(consumer)
            await consumer.stop()


async def batches_of(consumer: AIOKafkaConsumer) -> AsyncIterator[list[KafkaRecord]]:
    """The consumer's records, a fetch at a time, until it is stopped."""
    while True:
        try:
            found: Mapping[TopicPartition, list[KafkaRecord]] = await consumer.getmany(
                timeout_ms=notice_poll_milliseconds
            )
        except ConsumerStoppedError:
            return
        for records in found.values():
            yield records


async def _begun(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    """Where a reader begins that has never been here: noted at once, so that it goes on from there after a crash."""
    return {
        partition: await consumer.position(partition)
        for partition in consumer.assignment()
        if await consumer.committed(partition) is None
    }


async def _started(consumer: AIOKafkaConsumer, topic: str) -> None:
    try:
        async with asyncio.timeout(kafka_connect_seconds_max):
            await consumer.start()
    except UnknownTopicOrPartitionError:
        raise NotOnboarded(f"There is no topic {topic}.") from None
    except (KafkaError, OSError, TimeoutError) as error:
        raise KafkaUnreachable(f"Kafka does not answer ({type(error).__name__}).") from None


async def _commit(consumer: AIOKafkaConsumer, handled: Mapping[TopicPartition, int]) -> None:
    """Note how far the reader is. A commit that fails is a notice told twice, no more."""
    if not handled:
        return
    try:
        await consumer.commit(dict(handled))
    except (KafkaError, ConsumerStoppedError) as error:
        log.info("the place in the notice topic was not noted (%s)", type(error).__name__)


class Outcomes:
    """Finds what became of events, with one reading of the notice topic for all who wait."""

    def __init__(self, listener: Listener, read: Callable[[KafkaRecord], Notice | None]) -> None:
        """`read` is `Hearing.read`."""
        self._listener = listener
        self._read = read
        self._answers: Remembered[Wanted, Answer] = Remembered(notices_remembered_max)
        self._waiting: dict[Wanted, list[asyncio.Future[Answer]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._since: datetime | None = None

    async def stop(self) -> None:
        """Stop reading; whoever still waits is cancelled."""
        await self._stop_reading()
        for future in [future for futures in self._waiting.values() for future in futures]:
            future.cancel()

    async def wait(self, wanted: Sequence[Wanted], since: datetime | None, seconds: float) -> Answer | None:
        """The broker's answer to any of these; None after so many seconds. `since` (UTC): no answer is older.

        Raises:
            NotOnboarded, KafkaUnreachable: nothing can be heard.
        """
        for key in wanted:
            if key in self._answers:
                return self._answers[key]
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        for key in wanted:
            self._waiting.setdefault(key, []).append(future)
        try:
            await self._read_from(since)
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return None
        finally:
            for key in wanted:
                self._waiting[key].remove(future)
                if not self._waiting[key]:
                    del self._waiting[key]

    async def _read_from(self, since: datetime | None) -> None:
        """Have the topic read from then at the latest; anew, where the reading began later."""
        running = self._reading is not None and not self._reading.done()
        if running and (self._since is None or (since is not None and since >= self._since)):
            return
        await self._stop_reading()
        self._since = since
        self._reading = asyncio.create_task(self._listen(since), name="agency-outcomes")
        self._reading.add_done_callback(self._ended)

    async def _stop_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _listen(self, since: datetime | None) -> None:
        async with self._listener.consumer(group_id=None, auto_offset_reset="earliest") as consumer:
            if since is not None:
                await _go_to(consumer, since)
            async for batch in batches_of(consumer):
                for record in batch:
                    self._note(record)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        """Tell everybody who waits that the reading failed."""
        fault = None if reading.cancelled() else reading.exception()
        if fault is not None:
            for future in [future for futures in self._waiting.values() for future in futures]:
                if not future.done():
                    future.set_exception(fault)

    def _note(self, record: KafkaRecord) -> None:
        notice = self._read(record)
        if notice is None or not isinstance(notice.fact, EventAccepted | EventRefused):
            return
        for key in _answered(notice.fact):
            self._answers[key] = notice.fact
            for future in self._waiting.get(key, ()):
                if not future.done():
                    future.set_result(notice.fact)


def _answered(answer: Answer) -> Iterator[Wanted]:
    """What this is the answer to."""
    if answer.event_id is not None:
        yield answer.event_id
    if isinstance(answer, EventRefused) and answer.position is not None:
        place = answer.position
        yield (place.topic, place.partition, place.offset)


async def _go_to(consumer: AIOKafkaConsumer, since: datetime) -> None:
    """Go to the first record that may have been written after `since`, by clocks that may differ."""
    at = int((since - timedelta(seconds=notice_clock_skew_seconds_max)).timestamp() * 1000)
    partitions = consumer.assignment()
    # The ends first: what is written while the times are looked up lies behind them and is still read.
    ends = await consumer.end_offsets(list(partitions))
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, at))
    for partition in partitions:
        place = found.get(partition)
        consumer.seek(partition, ends[partition] if place is None else place.offset)
