"""Events per second, durable: the bare loop, the naive way and this pipeline, on the same records in the same run."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from bench.baselines import SINK, bare_loop, naive
from bench.traffic import Sent, answer, cards, produce, requests
from broker import serving
from broker.app import prepare
from broker.composition import broker_parts, kafka_of, topics_of
from broker.handlers.directory import Directory
from broker.onboarding import create_topics, onboard_organisation
from broker.reading import signature_check
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import DeclineReason
from broker.settings import Settings
from broker.sql.bulk import Connection

REFERRALS = 2000
NAIVE_EVENTS = 400


async def onboarded(settings: Settings) -> None:
    """The county's organisations, their topics, and a sink."""
    kafka, topics = kafka_of(settings), topics_of(settings)
    await prepare(settings)
    assert settings.postgres_dsn is not None
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        for card in cards():
            await onboard_organisation(connection, kafka, topics, card, [])
    finally:
        await connection.close()
    await create_topics(kafka, [settings.topic_prefix + SINK], partitions=16, replicas=1)


async def answers(settings: Settings, topics: Topics) -> list[Sent]:
    """To each offer that was made a receipt, then an acceptance of the first and a decline of every seventh."""
    assert settings.postgres_dsn is not None
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        rows = await connection.fetch("SELECT offer_id, referral_id, provider FROM offer ORDER BY referral_id, made_at")
    finally:
        await connection.close()
    sent: list[Sent] = []
    taken: set[str] = set()
    for number, row in enumerate(rows):
        facts: list[EventData] = [OfferReceipted(offer_id=OfferId(row["offer_id"]))]
        if number % 7 == 0:
            facts.append(OfferDeclined(offer_id=OfferId(row["offer_id"]), reason=DeclineReason.NO_CAPACITY_BEDS))
        elif row["referral_id"] not in taken:
            taken.add(row["referral_id"])
            facts.append(OfferAccepted.model_validate({"offerId": row["offer_id"], "acceptedBy": "STAFF"}))
        sent += [answer(topics, OrgId(row["provider"]), ReferralId(row["referral_id"]), fact) for fact in facts]
    return sent


@contextlib.asynccontextmanager
async def pipeline(settings: Settings, *, verify: bool) -> AsyncIterator[Any]:
    """The pipeline as it runs in production; without signatures only where that is what is measured."""
    async with broker_parts(settings, None, signature_check if verify else None) as parts:
        async with serving.intake(parts, kafka_of(settings)):
            yield parts


async def ours(settings: Settings, records: list[Sent], *, verify: bool = False) -> float:
    """Events per second from the first record taken to the last message confirmed and cleared from the outbox."""
    assert settings.postgres_dsn is not None
    watch = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    before = await _taken(watch)
    async with pipeline(settings, verify=verify):
        while await _taken(watch) == before:
            await asyncio.sleep(0.005)
        began = time.perf_counter()
        first = await _taken(watch) - before
        while await _taken(watch) - before < len(records) or await watch.fetchval("SELECT count(*) FROM outbox"):
            await asyncio.sleep(0.05)
        elapsed = time.perf_counter() - began
    await watch.close()
    return (len(records) - first) / elapsed


async def _taken(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM quarantine)")
    return count


async def measure(settings: Settings) -> dict[str, float]:
    """All three on the same records; the keys say which."""
    _ = Directory
    kafka, topics, prefix = kafka_of(settings), topics_of(settings), settings.topic_prefix
    await onboarded(settings)
    first = requests(REFERRALS, topics)
    await produce(kafka, first)
    rate_requests = await ours(settings, first)
    second = await answers(settings, topics)
    await produce(kafka, second)
    rate_answers = await ours(settings, second)
    names = sorted({record.topic for record in (*first, *second)})
    total = len(first) + len(second)
    bare = [await bare_loop(kafka, names, total, f"{prefix}bare-{turn}", prefix) for turn in range(3)]
    assert settings.postgres_owner_dsn is not None
    plain = await naive(
        kafka, names, NAIVE_EVENTS, f"{prefix}naive", prefix, settings.postgres_owner_dsn.get_secret_value()
    )
    mixed = total / (len(first) / rate_requests + len(second) / rate_answers)
    return {
        "requests": rate_requests,
        "answers": rate_answers,
        "pipeline": mixed,
        "bare": sorted(bare)[1],
        "naive": plain,
    }
