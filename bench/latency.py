"""From the agency's publish to the record on the provider's topic, at a fifth of what the pipeline can take.

And from a survivor's word, taken back, to the broker's receipt, which leaves when nothing more can go: at half of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.traffic import HOTLINE, POLICE, SHELTERS, Keys, Sent, as_they_come, revoked_later
from broker.composition import Process, kafka_of, topics_of
from broker.local.processes import serving
from broker.schemas.event import EventData, Flow
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.offer_made import OfferMade
from broker.settings import Settings

SECONDS = 20
LOAD = 0.2
WARMING_UP = 100
"""Referrals before the measurement: until the group has its partitions and every connection is made."""
REVOKING_LOAD = 0.5
REVOCATIONS = 400
FETCH_WAIT_MS = 50
"""As the provider's own intake: aiokafka would wait half a second behind topics that have nothing."""


class Latencies(NamedTuple):
    """In milliseconds, from `send` to the first offer of a referral, and to the receipt of a revocation."""

    p50: float
    p95: float
    revoked_p99: float


async def measure(settings: Settings, keys: Keys, capacity: float) -> Latencies:
    """With `handoff serve broker` as it is; `capacity` are the consents and referrals per second that it takes.

    Both are published in the same mix; what is timed are the referrals of the police, which wait for no consent.
    """
    kafka, topics = kafka_of(settings), topics_of(settings)
    rate, busy = capacity * LOAD, capacity * REVOKING_LOAD
    count, behind = int(rate * SECONDS), int(busy * SECONDS)
    asked = as_they_come(WARMING_UP + count + behind, topics, keys)
    granted, taken_back = revoked_later(REVOCATIONS, topics, keys)
    offers = [topics.name(Flow.BROKER_TO_PROVIDER, org) for org in SHELTERS]
    notices = topics.name(Flow.BROKER_TO_SOURCE, HOTLINE)
    with serving(settings, Process.BROKER, settings.home / "logs" / "latency-broker.log"):
        async with _listening(kafka, *offers) as (consumer, producer):
            police = {topics.name(Flow.SOURCE_TO_BROKER, org) for org in POLICE}
            for number in (WARMING_UP, count):
                now, asked = asked[:number], asked[number:]
                timed = {record.key for record in now if record.topic in police}
                waits = await _waits(consumer, producer, now, rate, OfferMade, timed)
        async with _listening(kafka, notices) as (consumer, producer):
            await _waits(consumer, producer, granted, rate, EventAccepted, {record.key for record in granted})
            load = asyncio.create_task(_publish(producer, asked[:behind], busy, {}))
            timed = {record.key for record in taken_back}
            revoked = await _waits(consumer, producer, taken_back, REVOCATIONS / SECONDS, EventAccepted, timed)
            await load
    cuts = quantiles(waits, n=100)
    return Latencies(cuts[49] * 1000, cuts[94] * 1000, quantiles(revoked, n=100)[98] * 1000)


@asynccontextmanager
async def _listening(kafka: dict[str, Any], *names: str) -> AsyncIterator[tuple[AIOKafkaConsumer, AIOKafkaProducer]]:
    consumer = AIOKafkaConsumer(*names, **kafka, group_id=None, fetch_max_wait_ms=FETCH_WAIT_MS)
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    try:
        await consumer.seek_to_end()
        yield consumer, producer
    finally:
        await producer.stop()
        await consumer.stop()


async def _waits(
    consumer: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    asked: Sequence[Sent],
    rate: float,
    answer: type[EventData],
    timed: Set[bytes],
) -> list[float]:
    """How many seconds the first such answer to each of the keys that are `timed` took."""
    sent: dict[bytes, float] = {}
    listening = asyncio.create_task(_listen(consumer, sent, timed, answer))
    await _publish(producer, asked, rate, sent)
    return await asyncio.wait_for(listening, 60)


async def _publish(producer: AIOKafkaProducer, asked: Sequence[Sent], rate: float, sent: dict[bytes, float]) -> None:
    began = time.perf_counter()
    for number, record in enumerate(asked):
        ahead = number / rate - (time.perf_counter() - began)
        if ahead > 0:
            await asyncio.sleep(ahead)
        sent[record.key] = time.perf_counter()
        await producer.send(record.topic, record.value, key=record.key, headers=record.headers)


async def _listen(
    consumer: AIOKafkaConsumer, sent: dict[bytes, float], timed: Set[bytes], answer: type[EventData]
) -> list[float]:
    waits: dict[bytes, float] = {}
    while len(waits) < len(timed):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                kind = dict(record.headers)["ce_type"].decode()
                if kind == answer.TYPE and record.key in timed and record.key in sent and record.key not in waits:
                    waits[record.key] = time.perf_counter() - sent[record.key]
    return list(waits.values())
