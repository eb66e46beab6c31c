"""Messages to Kafka: signed, keyed by their subject, in order, each confirmed by all in-sync replicas or reported lost.

The partition is chosen here, by key: aiokafka's own batches ignore keys, and a referral's messages would be spread over
all partitions; handing it one message at a time costs five times as much (docs/decisions/0031).
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from broker.bus.stopping import aborted, fenced, stopped
from broker.schemas.envelope import Headers, binary_headers
from broker.seal.signature import SIGNATURE_HEADER

log = logging.getLogger(__name__)

Sign = Callable[[Headers, bytes], bytes]
"""Gives the `wh-signature` of headers and value."""

Record = tuple[bytes, list[tuple[str, bytes]], bytes]
"""Key, headers and value."""

Confirmation = asyncio.Future[Any] | None
"""What becomes of a message that was handed to the producer; None for one that was not."""

REQUEST_TIMEOUT_MS = 5_000
"""How long one request may take; it is also the longest that a producer which is given up can still be at work."""
CONFIRM_SECONDS_MAX = 8.0
"""How long after it was decided a message may wait for Kafka's word before its producer is given up. With the time of
one request it is less than the lease of whoever decided it (broker/store/writing.py): nothing of a producer that was
given up leaves once a relay has asked the gate again."""
SIGNED_INLINE_MAX = 16
"""So few are signed within a millisecond, and to wait for a thread takes as long."""
BATCH_BYTES_MAX = 512 * 1024
"""What one partition may get at once; the largest event fits many times."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way to a topic: its attributes by their CloudEvents names, and its data."""

    topic: str
    attributes: Mapping[str, str]
    value: bytes

    @property
    def key(self) -> bytes:
        """What it is partitioned by: its subject."""
        return self.attributes["subject"].encode()


Records = Sequence[tuple[int, Record]]
"""Records with their places among the messages that are sent."""


async def _by_partition(producer: AIOKafkaProducer, messages: Sequence[Message]) -> dict[tuple[str, int], list[int]]:
    """Which messages go to which partition. A key always goes to the same one, whichever copy of a zone sends it.

    The hash is CRC-32: Java's, which is aiokafka's, is computed in Python there and costs as much as sending.
    """
    counts: dict[str, int] = {}
    places: dict[tuple[str, int], list[int]] = {}
    for place, message in enumerate(messages):
        topic = message.topic
        if topic not in counts:
            counts[topic] = len(await producer.partitions_for(topic))
        partition = crc32(message.key) % counts[topic]
        places.setdefault((topic, partition), []).append(place)
    return places


async def _hand_over(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Records, queued: list[Confirmation]
) -> None:
    """One partition's records in order, in as few batches as they fit into; notes each one's confirmation."""
    batch = producer.create_batch()
    waiting: list[int] = []

    async def hand_over() -> None:
        batch.close()
        confirmation = await producer.send_batch(batch, topic, partition=partition)
        for place in waiting:
            queued[place] = confirmation

    for place, (key, headers, value) in records:
        if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            await hand_over()
            batch, waiting = producer.create_batch(), []
            batch.append(key=key, value=value, timestamp=None, headers=headers)
        waiting.append(place)
    await hand_over()


def _failure(one: asyncio.Future[Any]) -> BaseException | None:
    """Why a message is not known to have arrived; None where it is."""
    if not one.done():
        return TimeoutError()
    return asyncio.CancelledError() if one.cancelled() else one.exception()


def confirm_by() -> float:
    """Until when, by the event loop's clock, what is decided from now on may wait for Kafka's word."""
    return asyncio.get_running_loop().time() + CONFIRM_SECONDS_MAX


class InHand:
    """What a producer has in hand, and until when it may write: no longer than the oldest of that may leave."""

    def __init__(self) -> None:
        self._until: dict[asyncio.Future[Any], float] = {}
        self._given_up = False

    def until(self) -> float:
        """By the event loop's clock."""
        return -math.inf if self._given_up else min(self._until.values(), default=math.inf)

    def take(self, one: asyncio.Future[Any], by: float) -> None:
        """A batch that may leave until then; after its end nobody asks for it."""
        self._until[one] = by
        one.add_done_callback(self._settled)

    def give_up(self) -> None:
        """Nothing of it may leave any more, and nobody waits for it."""
        self._given_up = True
        for one in [*self._until]:
            one.cancel()

    def _settled(self, one: asyncio.Future[Any]) -> None:
        """What becomes of a message after nobody waits for it any more is no error of anybody's."""
        self._until.pop(one, None)
        if not one.cancelled():
            one.exception()


class Publisher:
    """One producer of one zone. `sign` is None only where a measurement leaves signatures out."""

    def __init__(self, kafka: Mapping[str, Any], sign: Sign | None) -> None:
        self._kafka = dict(kafka)
        self._sign = sign
        self._producer: AIOKafkaProducer | None = None
        self._in_hand = InHand()

    async def start(self) -> None:
        """Connect, waiting for Kafka as long as it takes."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((KafkaError, OSError)), wait=wait_random_exponential(multiplier=0.2, max=5)
        )
        async for attempt in retrying:
            with attempt:
                producer = AIOKafkaProducer(
                    **self._kafka,
                    acks="all",
                    enable_idempotence=True,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    max_batch_size=BATCH_BYTES_MAX,
                )
                in_hand = InHand()
                fenced(producer, in_hand.until)
                try:
                    await producer.start()
                except BaseException:
                    await stopped(producer)
                    raise
                self._producer, self._in_hand = producer, in_hand

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stopped(producer)

    async def send(self, messages: Sequence[Message], by: float | None = None) -> list[bool]:
        """Send the messages in order; True for each that Kafka has confirmed, in time.

        Whoever keeps the outbox sends again what was not confirmed.
        """
        until = confirm_by() if by is None else by
        return await self.confirmed(await self.queue(messages, until), until)

    async def queue(self, messages: Sequence[Message], by: float) -> list[Confirmation]:
        """Hand the messages to the producer in order; what cannot be handed over in time is reported by `confirmed`."""
        if not messages:
            return []
        if len(messages) <= SIGNED_INLINE_MAX:
            records = self._records(messages)
        else:
            records = await asyncio.to_thread(self._records, messages)
        queued: list[Confirmation] = [None] * len(messages)
        if asyncio.get_running_loop().time() >= by:
            return queued
        try:
            async with asyncio.timeout_at(by):
                await self._hand_all_over(messages, records, queued, by)
        except (KafkaError, OSError) as error:  # a TimeoutError is one
            await self._renew(error)
        return queued

    async def _hand_all_over(
        self, messages: Sequence[Message], records: Sequence[Record], queued: list[Confirmation], by: float
    ) -> None:
        if self._producer is None:
            await self.start()
        producer, in_hand = self._producer, self._in_hand
        assert producer is not None
        try:
            for (topic, partition), places in (await _by_partition(producer, messages)).items():
                await _hand_over(producer, topic, partition, [(place, records[place]) for place in places], queued)
        finally:
            for one in {one for one in queued if one is not None}:
                in_hand.take(one, by)

    async def confirmed(self, queued: Sequence[Confirmation], by: float) -> list[bool]:
        """Whether each message has arrived, once that is known.

        After a failure the producer is given up and made anew, because an idempotent one may be stuck in its sequence
        numbers (aiokafka issue 1017), and because it would go on trying what a relay has taken over meanwhile.
        """
        waited = {one for one in queued if one is not None}
        if waited:
            await asyncio.wait(waited, timeout=by - asyncio.get_running_loop().time())
        failures = [error for one in waited if (error := _failure(one)) is not None]
        if failures:
            await self._renew(failures[0])
        return [one is not None and _failure(one) is None for one in queued]

    def _records(self, messages: Sequence[Message]) -> list[Record]:
        records: list[Record] = []
        for message in messages:
            headers = binary_headers(message.attributes)
            if self._sign is not None:
                headers.append((SIGNATURE_HEADER, self._sign(headers, message.value)))
            records.append((message.key, headers, message.value))
        return records

    async def _renew(self, error: BaseException) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            log.warning("Kafka did not confirm messages (%s); the producer is made anew", type(error).__name__)
            self._in_hand.give_up()
            await aborted(producer, REQUEST_TIMEOUT_MS / 1000)
