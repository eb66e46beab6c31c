"""Events per second, durable: the bare loop, the naive way and this pipeline, on the same records in the same run."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

import asyncpg

from bench.baselines import SINK, bare_loop, naive
from bench.traffic import Keys, Sent, answer, cards, produce, requests
from broker import serving
from broker.app import prepare
from broker.composition import Process, broker_parts, ensure_broker_key, kafka_of, topics_of, tune_memory
from broker.local.processes import serving as serving_process
from broker.onboarding import create_topics, onboard_organisation
from broker.reading import signature_check
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import DeclineReason
from broker.seal.signature import sign
from broker.settings import Settings
from broker.sql.bulk import Connection

BARE_TURNS = 3
NAIVE_EVENTS = 400


class Way(Enum):
    """How the pipeline is run. Production always signs; two processes are `handoff serve broker`, twice."""

    UNSIGNED = "without signatures"
    SIGNED = "signatures checked and made"
    TWO_PROCESSES = "signatures checked and made, two processes"


@dataclass(frozen=True, slots=True)
class Rates:
    """Events per second."""

    bare: float
    naive: float
    pipeline: float
    signed: float
    two_processes: float
    requests: float
    answers: float


async def onboarded(settings: Settings, keys: Keys) -> None:
    """The county's organisations with their keys and topics, and a sink for the baselines."""
    kafka, topics = kafka_of(settings), topics_of(settings)
    await prepare(settings)
    ensure_broker_key(settings)
    async with _connected(settings) as connection:
        for card in cards():
            public = keys[card.org_id].public
            await onboard_organisation(connection, kafka, topics, card, [(public.key_id, "signing", public.public)])
    await create_topics(kafka, [settings.topic_prefix + SINK], partitions=16, replicas=1)


@contextlib.asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    assert settings.postgres_dsn is not None
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        yield connection
    finally:
        await connection.close()


async def answers(settings: Settings, topics: Topics, keys: Keys | None, since: int) -> list[Sent]:
    """To each offer made after the first `since` a receipt; then the first accepts, and every seventh declines."""
    async with _connected(settings) as connection:
        rows = await connection.fetch(
            "SELECT offer_id, referral_id, provider FROM offer ORDER BY made_at, offer_id OFFSET $1", since
        )
    sent: list[Sent] = []
    taken: set[str] = set()
    for number, row in enumerate(rows):
        offer = OfferId(row["offer_id"])
        facts: list[EventData] = [OfferReceipted(offer_id=offer)]
        if number % 7 == 0:
            facts.append(OfferDeclined(offer_id=offer, reason=DeclineReason.NO_CAPACITY_BEDS))
        elif row["referral_id"] not in taken:
            taken.add(row["referral_id"])
            facts.append(OfferAccepted.model_validate({"offerId": offer, "acceptedBy": "STAFF"}))
        org, referral = OrgId(row["provider"]), ReferralId(row["referral_id"])
        sent += [answer(topics, org, referral, fact, keys) for fact in facts]
    return sent


async def ours(settings: Settings, records: Sequence[Sent], keys: Keys, way: Way) -> float:
    """Events per second of the pipeline, the last message confirmed and cleared included; starting up is left out."""
    async with _connected(settings) as watch:
        before = await _taken(watch)
        async with _running(settings, keys, way):
            began = await _until_moved(watch, before)
            first = await _taken(watch) - before
            while await _taken(watch) - before < len(records) or await _unsent(watch):  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.1)
            return (len(records) - first) / (time.perf_counter() - began)


@contextlib.asynccontextmanager
async def _running(settings: Settings, keys: Keys, way: Way) -> AsyncIterator[None]:
    if way is Way.TWO_PROCESSES:
        with contextlib.ExitStack() as stack:
            for number, process in enumerate((Process.BROKER, Process.BROKER, Process.RELAY)):
                log = settings.home / "logs" / f"{process.value}-{number}.log"
                stack.enter_context(serving_process(settings, process, log))
            yield
        return
    broker_key = keys[settings.broker_org]
    signed = way is Way.SIGNED
    own = (lambda headers, value: sign(headers, value, broker_key)) if signed else None
    check = signature_check if signed else None
    async with broker_parts(settings, own, check) as parts, serving.intake(parts, kafka_of(settings)):
        yield


async def _until_moved(watch: Connection, before: int) -> float:
    while await _taken(watch) == before:  # noqa: ASYNC110  no event tells
        await asyncio.sleep(0.005)
    return time.perf_counter()


async def _taken(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM quarantine)")
    return count


async def _unsent(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM outbox")
    return count


async def mixed(settings: Settings, keys: Keys, referrals: int, way: Way) -> tuple[float, float, list[Sent]]:
    """Rates of requests and of the answers to them, and all their records."""
    topics = topics_of(settings)
    async with _connected(settings) as connection:
        before: int = await connection.fetchval("SELECT count(*) FROM offer")
    first = requests(referrals, topics, keys)
    await produce(kafka_of(settings), first)
    rate_requests = await ours(settings, first, keys, way)
    second = await answers(settings, topics, keys, before)
    await produce(kafka_of(settings), second)
    rate_answers = await ours(settings, second, keys, way)
    return rate_requests, rate_answers, [*first, *second]


def together(first: Sequence[Sent], rate_requests: float, rate_answers: float) -> float:
    """The rate over requests and answers together, by the time that both took."""
    asked = sum(record.topic.split(".")[-2] == "source" for record in first)
    answered = len(first) - asked
    return len(first) / (asked / rate_requests + answered / rate_answers)


async def measure(settings: Settings, keys: Keys, referrals: int) -> Rates:
    """All of them on the same records, one after the other; the bare loop before and after, and its median counts."""
    tune_memory()
    kafka, prefix = kafka_of(settings), settings.topic_prefix
    rate_requests, rate_answers, records = await mixed(settings, keys, referrals, Way.UNSIGNED)
    names = sorted({record.topic for record in records})
    bare = [await bare_loop(kafka, names, len(records), f"{prefix}bare-{n}", prefix) for n in range(BARE_TURNS)]
    assert settings.postgres_owner_dsn is not None
    owner_dsn = settings.postgres_owner_dsn.get_secret_value()
    plain = await naive(kafka, names, NAIVE_EVENTS, f"{prefix}naive", prefix, owner_dsn)
    signed_requests, signed_answers, signed_records = await mixed(settings, keys, referrals, Way.SIGNED)
    two_requests, two_answers, two_records = await mixed(settings, keys, referrals, Way.TWO_PROCESSES)
    return Rates(
        bare=median(bare),
        naive=plain,
        pipeline=together(records, rate_requests, rate_answers),
        signed=together(signed_records, signed_requests, signed_answers),
        two_processes=together(two_records, two_requests, two_answers),
        requests=rate_requests,
        answers=rate_answers,
    )
