"""Reads an agency's notice topic: each notice at least once under a reader's name, from where that reader was."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, UnknownTopicOrPartitionError

from broker.agency.errors import NotOnboarded
from broker.agency.notices import Hearing, KafkaRecord, Notice
from broker.agency.remembered import Remembered
from broker.bus.stopping import stopped
from broker.errors import KafkaUnreachable
from broker.limits import (
    kafka_connect_seconds_max,
    notice_clock_skew_seconds_max,
    notice_noted_seconds_max,
    notice_poll_milliseconds,
    notices_remembered_max,
)
from broker.schemas.ids import EventId

log = logging.getLogger(__name__)

Since = Literal["earliest", "now"] | datetime
"""From where a new reader reads: all that Kafka keeps, from now on, or from a moment (aware) on."""


class Listener:
    """Reads an agency's notice topic. Consumers that are still open when it closes are closed with it."""

    def __init__(self, kafka: Mapping[str, Any], hearing: Hearing) -> None:
        """`kafka` are the keyword arguments of every aiokafka client."""
        self._kafka = dict(kafka)
        self._hearing = hearing
        self._open: set[AIOKafkaConsumer] = set()
        self._heard: dict[str, Remembered[EventId, None]] = {}
        self._stopping = asyncio.Event()

    @property
    def topic(self) -> str:
        """The agency's notice topic."""
        return self._hearing.topic

    async def stop(self) -> None:
        """End every reading, for good."""
        self._stopping.set()
        for consumer in list(self._open):
            await stopped(consumer)

    async def notices(self, group: str | None, since: Since, *, to_end: bool) -> AsyncGenerator[Notice]:
        """Each notice at least once; where `group` has been before, on from there, else from `since` on.

        A notice counts as handled when the next one is asked for. Without a group no place is noted. `to_end`: only
        what is there now. It ends when this listener stops, wherever it was.
        """
        async with aclosing(self._notices(group, since, to_end=to_end)) as heard:
            with suppress(ConsumerStoppedError):
                async for notice in heard:
                    yield notice

    async def _notices(self, group: str | None, since: Since, *, to_end: bool) -> AsyncGenerator[Notice]:
        heard: Remembered[EventId, None] = Remembered(notices_remembered_max)
        if group is not None:
            heard = self._heard.setdefault(group, heard)
        async with self.consumer(group) as consumer:
            await self._unless_stopping(begin(consumer, group, since))
            ends = await consumer.end_offsets(list(consumer.assignment())) if to_end else None
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
                    if group is not None:
                        await _commit(consumer, handled)
                if ends is not None and await _reached(consumer, ends):
                    return

    async def _unless_stopping(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this, or leave it when we stop: aiokafka 0.14 waits for ever for what goes with its consumer."""
        doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ConsumerStoppedError
            doing.result()
        finally:
            doing.cancel()
            stopping.cancel()

    @asynccontextmanager
    async def consumer(self, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of the notice topic, its offsets committed by nobody but us.

        Raises:
            NotOnboarded: there is no such topic.
            KafkaUnreachable: Kafka does not answer.
            ConsumerStoppedError: this listener has stopped.
        """
        consumer = AIOKafkaConsumer(
            self._hearing.topic,
            **self._kafka,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        self._open.add(consumer)
        try:
            await self._unless_stopping(_started(consumer, self._hearing.topic))
            yield consumer
        finally:
            self._open.discard(consumer)
            await stopped(consumer)


async def batches_of(consumer: AIOKafkaConsumer) -> AsyncIterator[list[KafkaRecord]]:
    """The consumer's records, a fetch at a time, an empty one where nothing came for a while, until it is stopped."""
    while True:
        try:
            found: Mapping[TopicPartition, list[KafkaRecord]] = await consumer.getmany(
                timeout_ms=notice_poll_milliseconds
            )
        except ConsumerStoppedError:
            return
        yield [record for records in found.values() for record in records]


async def begin(consumer: AIOKafkaConsumer, group: str | None, since: Since) -> None:
    """Go to where a reader begins that has never been here, and note it: after a crash it goes on from there."""
    partitions = consumer.assignment()
    fresh = [one for one in partitions if group is None or await consumer.committed(one) is None]
    if since == "earliest" or not fresh:
        return
    places = await _ends(consumer, fresh) if since == "now" else await _places_at(consumer, fresh, since)
    for partition, offset in places.items():
        consumer.seek(partition, offset)
    if group is not None:
        await _commit(consumer, places)


async def _reached(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return False
    return True


async def _ends(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    ends: dict[TopicPartition, int] = await consumer.end_offsets(list(partitions))
    return ends


async def _places_at(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since: datetime
) -> dict[TopicPartition, int]:
    """The first records that may have been written after `since`, by clocks that may differ."""
    at = int((since - timedelta(seconds=notice_clock_skew_seconds_max)).timestamp() * 1000)
    # The ends first: what is written while the times are looked up lies behind them and is still read.
    places = await _ends(consumer, partitions)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, at))
    return places | {partition: place.offset for partition, place in found.items() if place is not None}


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
        async with asyncio.timeout(notice_noted_seconds_max):
            await consumer.commit(dict(handled))
    except (KafkaError, ConsumerStoppedError, TimeoutError) as error:
        log.info("the place in the notice topic was not noted (%s)", type(error).__name__)
