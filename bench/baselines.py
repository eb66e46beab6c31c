"""What the pipeline is measured against: a bare loop that stores nothing, and the naive way that most would write."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel

from broker.bus.connection import faststream_options
from broker.schemas.envelope import read_envelope
from broker.settings import sqlalchemy_url

SINK = "bench-sink"


async def bare_loop(kafka: dict[str, Any], topics: Sequence[str], count: int, group: str, prefix: str) -> float:
    """Events per second of getmany(500) → validate and dump with pydantic → send by key → gather → commit."""
    consumer = AIOKafkaConsumer(
        *topics, **kafka, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True, linger_ms=2)
    await producer.start()
    await consumer.start()
    seen, began = 0, 0.0
    try:
        while seen < count:
            batches = await consumer.getmany(timeout_ms=1000, max_records=500)
            began = began or time.perf_counter()
            futures = []
            for records in batches.values():
                for record in records:
                    received = read_envelope(record.key, record.headers, record.value)
                    value = received.event_class.read(received.data).wire()
                    futures.append(
                        await producer.send(prefix + SINK, value, key=record.key, headers=list(record.headers))
                    )
            await asyncio.gather(*futures)
            if futures:
                await consumer.commit()
            seen += len(futures)
        return seen / (time.perf_counter() - began)
    finally:
        await consumer.stop()
        await producer.stop()


class NaiveCase(SQLModel, table=True):
    """A row per event, as a first draft would have it."""

    __tablename__ = "naive_case"
    event_id: str = Field(primary_key=True)
    referral_id: str
    body: str
    received_at: str


class NaiveAudit(SQLModel, table=True):
    """An audit row per event."""

    __tablename__ = "naive_audit"
    id: int | None = Field(default=None, primary_key=True)
    event_id: str
    what: str


class NaiveEvent(BaseModel):
    """Whatever came."""

    model_config = {"extra": "allow"}


async def naive(kafka: dict[str, Any], topics: Sequence[str], count: int, group: str, prefix: str, dsn: str) -> float:
    """Events per second of FastStream's own decorators with a SQLModel session and a commit for each event."""
    engine = create_async_engine(sqlalchemy_url(dsn))
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all, [NaiveCase.__table__, NaiveAudit.__table__])  # type: ignore[attr-defined]
    broker = KafkaBroker(**faststream_options(kafka), logger=None)
    done = asyncio.Event()
    seen, began = 0, 0.0

    @broker.subscriber(*topics, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.publisher(prefix + SINK)
    async def handle(event: NaiveEvent, message: KafkaMessage) -> NaiveEvent:
        nonlocal seen, began
        began = began or time.perf_counter()
        event_id = str(message.headers["ce_id"])
        async with AsyncSession(engine) as session:
            if await session.get(NaiveCase, event_id) is None:
                text = event.model_dump_json()
                session.add(
                    NaiveCase(
                        event_id=event_id,
                        referral_id=str(message.headers["ce_subject"]),
                        body=text,
                        received_at=datetime.now(UTC).isoformat(),
                    )
                )
                session.add(NaiveAudit(event_id=event_id, what="accepted"))
                await session.commit()
        seen += 1
        if seen >= count:
            done.set()
        return event

    await broker.start()
    try:
        await asyncio.wait_for(done.wait(), 120)
        return seen / (time.perf_counter() - began)
    finally:
        await broker.stop()
        await engine.dispose()
