"""From the agency's publish to the record on the provider's topic, at a fifth of what the pipeline can take."""

import asyncio
import time
from statistics import quantiles
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.traffic import POLICE, SHELTERS, Keys, requests
from broker import serving
from broker.bus.publisher import Sign
from broker.composition import broker_parts, kafka_of, topics_of
from broker.schemas.event import Flow
from broker.schemas.offer_made import OfferMade
from broker.seal.keys import SigningKey
from broker.seal.signature import sign
from broker.settings import Settings

SECONDS = 10
LOAD = 0.2


async def measure(settings: Settings, keys: Keys, events_per_second: float) -> tuple[float, float]:
    """p50 and p95 in milliseconds, with signatures checked and made, from `send` to the first offer of the referral."""
    kafka, topics, key = kafka_of(settings), topics_of(settings), keys[settings.broker_org]
    records = [
        record
        for record in requests(int(events_per_second * SECONDS) * 4, topics, keys)
        if record.topic in {topics.name(Flow.SOURCE_TO_BROKER, org) for org in POLICE}
    ][: int(events_per_second * SECONDS)]
    own = _signer(key)
    async with broker_parts(settings, own) as parts, serving.intake(parts, kafka):
        names = [topics.name(Flow.BROKER_TO_PROVIDER, org) for org in SHELTERS]
        consumer = AIOKafkaConsumer(*names, **kafka, auto_offset_reset="latest", group_id=None)
        producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        await consumer.start()
        await producer.start()
        try:
            await consumer.seek_to_end()
            await asyncio.sleep(5)  # until the group has its partitions: starting up is not what is measured
            sent: dict[bytes, float] = {}
            listening = asyncio.create_task(_listen(consumer, sent, len(records)))
            await _publish(producer, records, events_per_second, sent)
            waits = await asyncio.wait_for(listening, SECONDS + 30)
        finally:
            await producer.stop()
            await consumer.stop()
    cuts = quantiles(waits, n=100)
    return cuts[49] * 1000, cuts[94] * 1000


def _signer(key: SigningKey) -> Sign:
    return lambda headers, value: sign(headers, value, key)


async def _publish(producer: Any, records: list[Any], rate: float, sent: dict[bytes, float]) -> None:
    began = time.perf_counter()
    for number, record in enumerate(records):
        ahead = number / rate - (time.perf_counter() - began)
        if ahead > 0:
            await asyncio.sleep(ahead)
        sent[record.key] = time.perf_counter()
        await producer.send(record.topic, record.value, key=record.key, headers=record.headers)


async def _listen(consumer: Any, sent: dict[bytes, float], count: int) -> list[float]:
    waits: dict[bytes, float] = {}
    while len(waits) < count:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                kind = dict(record.headers)["ce_type"].decode()
                if kind == OfferMade.TYPE and record.key in sent and record.key not in waits:
                    waits[record.key] = time.perf_counter() - sent[record.key]
    return list(waits.values())
