"""An agency's notices by HTTP, a page at a time, each as it lies on Kafka: the broker's signature over it still counts.

A page ends with a cursor, the next offset of each partition. Nothing of it is kept here: who asks again with the same
cursor gets the same page. Between partitions there is no order; the notices of one referral are in theirs.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from broker import limits
from broker.bus.stopping import stopped
from broker.errors import KafkaUnreachable
from broker.web.codes import WebCode
from broker.web.problems import Problem

Record = ConsumerRecord[bytes, bytes]
Places = Mapping[int, int]
"""The next offset to read, by partition."""

AFTER: Final = "after"
_CURSOR: Final = re.compile(r"[0-9]{1,5}\.[0-9]{1,18}(_[0-9]{1,5}\.[0-9]{1,18}){0,99}")
_FETCH_WAIT_MS: Final = 100
"""Kafka answers a fetch that finds nothing after so long, so that a lone notice does not wait for its own 500 ms."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some notices, oldest first within a partition, and from where the next page goes on."""

    notices: tuple[dict[str, Any], ...]
    next: str
    more: bool
    """Whether there were further ones when this page was read."""


def read_cursor(text: str | None) -> Places:
    """The places that a cursor says; none for a first page.

    Raises:
        Problem: CURSOR_INVALID.
    """
    if text is None:
        return {}
    if _CURSOR.fullmatch(text) is None:
        raise Problem(WebCode.CURSOR_INVALID, AFTER)
    pairs = [one.split(".") for one in text.split("_")]
    return {int(partition): int(offset) for partition, offset in pairs}


class NoticeReader:
    """Reads notice topics, each reading with a connection of its own that joins no group."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        """`kafka` are the keyword arguments of every aiokafka client."""
        self._kafka = dict(kafka)
        self._free = limits.web_notice_readers_max

    async def page(self, topic: str, after: Places, wait_seconds: int) -> Page:
        """The notices from these places on; where there are none, those that come within so many seconds.

        Raises:
            Problem: CURSOR_INVALID, BUSY.
            KafkaUnreachable: Kafka gives no answer.
        """
        if not self._free:
            raise Problem(WebCode.BUSY)
        self._free -= 1
        try:
            async with self._consumer(topic) as consumer:
                return await _page(consumer, after, wait_seconds)
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnreachable(f"Kafka does not answer ({type(error).__name__}).") from None
        finally:
            self._free += 1

    @asynccontextmanager
    async def _consumer(self, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            topic,
            **self._kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        try:
            async with asyncio.timeout(limits.kafka_connect_seconds_max):
                await consumer.start()
            yield consumer
        finally:
            await stopped(consumer)


async def _page(consumer: AIOKafkaConsumer, after: Places, wait_seconds: int) -> Page:
    partitions = sorted(consumer.assignment())
    async with asyncio.timeout(limits.kafka_connect_seconds_max):
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
    known = {place.partition: end for place, end in ends.items()}
    if any(offset > known.get(partition, -1) for partition, offset in after.items()):
        raise Problem(WebCode.CURSOR_INVALID, AFTER)
    for place in partitions:
        # What Kafka has forgotten is passed over.
        consumer.seek(place, max(after.get(place.partition, 0), begins[place]))
    records = await _records(consumer, ends, wait_seconds)
    positions = [(place.partition, await consumer.position(place)) for place in partitions]
    more = any([await consumer.position(place) < ends[place] for place in partitions])
    cursor = "_".join(f"{partition}.{offset}" for partition, offset in positions)
    return Page(tuple(map(_shown, records)), cursor, more)


async def _records(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], wait_seconds: int) -> list[Record]:
    """What is there, up to a page; where nothing is, what comes first within the time."""
    loop = asyncio.get_running_loop()
    waited_until = loop.time() + wait_seconds
    given_up_at = loop.time() + limits.kafka_connect_seconds_max
    records: list[Record] = []
    while len(records) < limits.web_notices_max:
        behind = any([await consumer.position(place) < end for place, end in ends.items()])
        left = (given_up_at if behind else waited_until) - loop.time()
        if (records and not behind) or left <= 0:
            break
        found = await consumer.getmany(
            timeout_ms=int(left * 1000) + 1, max_records=limits.web_notices_max - len(records)
        )
        records += [record for batch in found.values() for record in batch]
    return records


def _shown(record: Record) -> dict[str, Any]:
    """The record's headers and value as text, exactly: they are what is signed."""
    headers = {name: content.decode() for name, content in record.headers}
    return {"headers": headers, "value": (record.value or b"").decode()}
