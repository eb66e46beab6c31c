"""One event at a time, confirmed by all in-sync replicas, sent again with the same bytes until it is or time is up."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from broker.agency.errors import NotConfirmed, NotOnboarded
from broker.agency.records import Record
from broker.bus.stopping import stopped
from broker.errors import KafkaUnreachable
from broker.limits import confirm_seconds_max, kafka_connect_seconds_max, topics_appear_seconds_max

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_MS: Final = 10_000
"""For one request, and for a record to be given up: two of them fit into the time that an event has to be confirmed."""
STOP_SECONDS_MAX: Final = REQUEST_TIMEOUT_MS / 1000 + 5
"""Until then every record of a connection has been confirmed or given up."""
_RETRIED: Final = (KafkaError, OSError, TimeoutError)
_FINAL: Final = (UnknownTopicOrPartitionError, TopicAuthorizationFailedError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands, and when Kafka confirmed it (UTC)."""

    topic: str
    partition: int
    offset: int
    at: datetime

    @property
    def position(self) -> tuple[str, int, int]:
        """Topic, partition, offset: how the broker names a record that it cannot read."""
        return (self.topic, self.partition, self.offset)


class Sender:
    """One connection of an agency to Kafka, for publishing."""

    def __init__(self, kafka: Mapping[str, Any], confirm_seconds: float | None = None) -> None:
        """`kafka` are the keyword arguments of every aiokafka client, `bootstrap_servers` among them.

        `confirm_seconds`: how long an event is sent again; where it is not said, `confirm_seconds_max`.
        """
        self._kafka = dict(kafka)
        self._confirm_seconds = confirm_seconds
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()

    async def start(self, topics: Iterable[str] = ()) -> None:
        """Connect, and see that these topics are there: who publishes into nothing is told at once.

        Raises:
            KafkaUnreachable: after `kafka_connect_seconds_max` seconds of trying.
            NotOnboarded: a topic is not there.
        """
        try:
            async for attempt in _retrying(kafka_connect_seconds_max):
                with attempt:
                    await self._connected()
            async for attempt in _retrying(topics_appear_seconds_max, NotOnboarded):
                with attempt:
                    await self._find(topics)
        except _RETRIED as error:
            await self.stop()
            raise KafkaUnreachable(f"Kafka does not answer ({type(error).__name__}).") from None
        except NotOnboarded:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Disconnect; what was confirmed stays confirmed."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stopped(producer, STOP_SECONDS_MAX)

    async def send(self, record: Record) -> Place:
        """Send the record until Kafka confirms it.

        Raises:
            NotConfirmed: after so many seconds; it may have arrived or not.
            NotOnboarded: there is no such topic, or this account may not write on it.
        """
        seconds = confirm_seconds_max if self._confirm_seconds is None else self._confirm_seconds
        try:
            async for attempt in _retrying(seconds):
                with attempt:
                    return await self._once(record)
        except _FINAL:
            raise NotOnboarded(f"There is no topic {record.topic} on which this account may publish.") from None
        except _RETRIED as error:
            log.warning("an event was not confirmed (%s)", type(error).__name__)
            raise NotConfirmed from None
        raise AssertionError("the loop returns or raises")

    async def _find(self, topics: Iterable[str]) -> None:
        producer = await self._connected()
        there = (await producer.client.fetch_all_metadata()).topics()
        for topic in topics:
            if topic not in there:
                raise NotOnboarded(f"There is no topic {topic}.")

    async def _once(self, record: Record) -> Place:
        producer = await self._connected()
        try:
            confirmed = await producer.send_and_wait(
                record.topic, record.value, key=record.key, headers=list(record.headers)
            )
        except _FINAL:
            raise
        except _RETRIED:
            await self._renew(producer)
            raise
        return Place(confirmed.topic, confirmed.partition, confirmed.offset, datetime.now(UTC))

    async def _connected(self) -> AIOKafkaProducer:
        async with self._renewing:
            if self._producer is None:
                # Not idempotent: such a producer never gives a record up (aiokafka 0.14), and a person is waiting.
                # What is sent twice takes effect once by its event id, and a partition has one request at a time.
                producer = AIOKafkaProducer(
                    **self._kafka,
                    acks="all",
                    enable_idempotence=False,
                    linger_ms=0,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                )
                try:
                    await producer.start()
                except BaseException:
                    await stopped(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _renew(self, failed: AIOKafkaProducer) -> None:
        async with self._renewing:
            if self._producer is not failed:
                return
            self._producer = None
        await stopped(failed, STOP_SECONDS_MAX)


def _retrying(seconds: float, *also: type[Exception]) -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type((*_RETRIED, *also)) & retry_if_not_exception_type(_FINAL),
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )
