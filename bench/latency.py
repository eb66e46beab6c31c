"""From the agency's publish to the record on the provider's topic, at a fifth of what the pipeline can take."""

import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.traffic import POLICE, SHELTERS, Keys, Sent, requests
from broker.composition import Process, kafka_of, topics_of
from broker.local.processes import serving
from broker.schemas.event import Flow
from broker.schemas.offer_made import OfferMade
from broker.settings import Settings

SECONDS = 20
LOAD = 0.2
WARMING_UP = 100
"""Referrals before the measurement: until the group has its partitions and every connection is made."""
FETCH_WAIT_MS = 50
"""As the provider's own intake: aiokafka would wait half a second behind topics that have nothing."""


async def measure(settings: Settings, keys: Keys, events_per_second: float) -> tuple[float, float]:
    """p50 and p95 in milliseconds from `send` to the first offer of a referral; `handoff serve broker` as it is."""
    kafka, topics = kafka_of(settings), topics_of(settings)
    police = {topics.name(Flow.SOURCE_TO_BROKER, org) for org in POLICE}
    count = int(events_per_second * SECONDS)
    asked = [record for record in requests(2 * (count + WARMING_UP) + 2, topics, keys) if record.topic in police]
    names = [topics.name(Flow.BROKER_TO_PROVIDER, org) for org in SHELTERS]
    consumer = AIOKafkaConsumer(*names, **kafka, group_id=None, fetch_max_wait_ms=FETCH_WAIT_MS)
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
    with serving(settings, Process.BROKER, settings.home / "logs" / "latency-broker.log"):
        await consumer.start()
        await producer.start()
        try:
            await consumer.seek_to_end()
            await _waits(consumer, producer, asked[:WARMING_UP], events_per_second)
            waits = await _waits(consumer, producer, asked[WARMING_UP : WARMING_UP + count], events_per_second)
        finally:
            await producer.stop()
            await consumer.stop()
    cuts = quantiles(waits, n=100)
    return cuts[49] * 1000, cuts[94] * 1000


async def _waits(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, asked: Sequence[Sent], rate: float
) -> list[float]:
    """How many seconds each referral's first offer took."""
    sent: dict[bytes, float] = {}
    listening = asyncio.create_task(_listen(consumer, sent, len(asked)))
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


async def _listen(consumer: AIOKafkaConsumer, sent: dict[bytes, float], count: int) -> list[float]:
    waits: dict[bytes, float] = {}
    while len(waits) < count:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                kind = dict(record.headers)["ce_type"].decode()
                if kind == OfferMade.TYPE and record.key in sent and record.key not in waits:
                    waits[record.key] = time.perf_counter() - sent[record.key]
    return list(waits.values())
