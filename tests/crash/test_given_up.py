"""A producer that is given up sends nothing afterwards, whatever becomes of Kafka (docs/decisions/0034)."""

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from broker.bus.publisher import Message, Publisher
from broker.local.parts import LocalParts

TOPIC: Final = "given.up"
PATIENCE_SECONDS: Final = 1.0


def _message(text: bytes) -> Message:
    now = datetime.now(UTC).isoformat()
    attributes = {"id": str(uuid4()), "subject": "one", "type": "t", "source": "/s", "specversion": "1.0", "time": now}
    return Message(TOPIC, attributes, text)


async def test_what_was_given_up_while_kafka_was_away_never_arrives(own_parts: LocalParts) -> None:
    """Three are refused while Kafka is dead; it comes back, and only what is sent from then on is there."""
    bootstrap = own_parts.addresses().kafka_bootstrap
    assert bootstrap is not None
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    publisher = Publisher({"bootstrap_servers": bootstrap}, None)
    try:
        assert await publisher.send([_message(b"before")]) == [True]
        await asyncio.to_thread(own_parts.kafka.kill)
        for text in (b"lost-1", b"lost-2", b"lost-3"):
            by = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            assert await publisher.send([_message(text)], by) == [False]
        await asyncio.to_thread(own_parts.kafka.start)
        assert await publisher.send([_message(b"after")], asyncio.get_running_loop().time() + 60) == [True]
        assert await publisher.send([_message(b"late")], asyncio.get_running_loop().time()) == [False]
        assert await publisher.send([_message(b"last")]) == [True]
    finally:
        await publisher.stop()
    assert await _arrived(bootstrap, b"last") == [b"before", b"after", b"last"]


async def _arrived(bootstrap: str, last: bytes) -> list[bytes | None]:
    """What lies in the topic, up to this one and for a moment longer."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        place = TopicPartition(TOPIC, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        values: list[bytes | None] = []
        while last not in values:
            values += [record.value for record in (await consumer.getmany(timeout_ms=500)).get(place, [])]
        values += [record.value for record in (await consumer.getmany(timeout_ms=2000)).get(place, [])]
        return values
    finally:
        await consumer.stop()
