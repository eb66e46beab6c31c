"""Records of Kafka read once more by their place: the very one that is meant, or nothing.

It joins no group and keeps no position, so that nobody else's reading is disturbed.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from broker.bus.stopping import stopped
from broker.errors import KafkaUnreachable
from broker.limits import reread_milliseconds

Record = ConsumerRecord[bytes, bytes]


class Rereader:
    """Reads single records by their place."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: frozenset[str]) -> None:
        self._consumer = consumer
        self._topics = topics

    async def read(self, topic: str, partition: int, offset: int, time_ms: int) -> Record | None:
        """The record that lies there since this time (ms, UTC); None where Kafka does not keep it any more.

        Raises:
            KafkaUnreachable: Kafka gave no answer, so that nothing can be said.
        """
        if topic not in self._topics:
            return None
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        try:
            first = (await self._consumer.beginning_offsets([place]))[place]
            end = (await self._consumer.end_offsets([place]))[place]
            if not first <= offset < end:
                return None
            self._consumer.seek(place, offset)
            found = await self._consumer.getmany(place, timeout_ms=reread_milliseconds, max_records=1)
        except KafkaError as error:
            raise KafkaUnreachable(f"Kafka gave no answer about {topic} ({type(error).__name__}).") from error
        if not found:
            raise KafkaUnreachable(f"Kafka gave no answer about {topic}.")
        record = found[place][0]
        return record if (record.offset, record.timestamp) == (offset, time_ms) else None


@asynccontextmanager
async def rereader(kafka: Mapping[str, Any]) -> AsyncIterator[Rereader]:
    """A reader while the block lasts.

    Raises:
        KafkaUnreachable: Kafka does not answer.
    """
    consumer = AIOKafkaConsumer(**kafka, group_id=None, enable_auto_commit=False, auto_offset_reset="none")
    try:
        await consumer.start()
        topics = frozenset(await consumer.topics())
    except (KafkaError, OSError) as error:
        await stopped(consumer)
        raise KafkaUnreachable from error
    try:
        yield Rereader(consumer, topics)
    finally:
        await stopped(consumer)
