"""Events per second, durable: the bare loop, the naive way and this pipeline, on the same records in the same run."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean

import asyncpg
import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from bench.baselines import SINK, bare_loop, naive
from bench.processors import postgres_of, seconds
from bench.traffic import Keys, Sent, answer, cards, produce, requests
from bench.worker import WITHOUT_TRAIL
from broker import serving
from broker.app import prepare
from broker.composition import Process, ensure_broker_key, kafka_of, topics_of, tune_memory
from broker.local.child import GuardedChild
from broker.local.processes import serving as serving_process
from broker.onboarding import create_topics, kept, onboard_organisation
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import DeclineReason
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.reconciling import differences

ROUNDS = 3
"""Everything is measured so many times in turn, because what shares the machine comes and goes, and some machines run
faster for a moment after a rest."""
NAIVE_EVENTS = 150
LOOK_SECONDS = 0.05
WARMING_UP = 300
"""So many referrals pass through new processes before they are measured: they plan their statements meanwhile."""


@dataclass(frozen=True, slots=True)
class Way:
    """How it is run: in so many processes, with signatures and with its trail, as production always is, or without."""

    processes: int
    signed: bool
    trailed: bool = True


@dataclass(frozen=True, slots=True)
class Round:
    """Events per second, measured within a minute or two.

    The pipeline's by the way it is run: of requests, of the answers to them, and of both together. `spent` are the
    seconds that the broker and PostgreSQL were on a processor for each event.
    """

    bare: float
    naive: float
    pipeline: Mapping[Way, tuple[float, float, float]]
    spent: Mapping[Way, float]


async def onboarded(settings: Settings, keys: Keys) -> None:
    """The county's organisations with their keys and topics, and a sink for the baselines."""
    kafka, topics = kafka_of(settings), topics_of(settings)
    await prepare(settings)
    ensure_broker_key(settings)
    async with _connected(settings) as connection:
        for card in cards():
            key = keys[card.org_id].card(datetime.now(UTC))
            await onboard_organisation(connection, kafka, topics, card, [key], kept(settings))
    await create_topics(kafka, [settings.topic_prefix + SINK], partitions=16, replicas=1)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many referrals of the load were held against the trail, and how often tables and trail differed."""

    referrals: int
    differences: int


async def reconciled(settings: Settings, untrailed: Sequence[tuple[datetime, datetime]]) -> Reconciled:
    """Hold the tables against the trail, as `handoff trail reconcile` does, but for what was measured without one."""
    bounds = [begin for begin, _ in untrailed], [end for _, end in untrailed]
    during = (
        "EXISTS (SELECT FROM unnest($1::timestamptz[], $2::timestamptz[]) AS t(a, b) WHERE received_at BETWEEN a AND b)"
    )
    async with _connected(settings) as connection:
        _, found = await differences(connection)
        bare = {row[0] for row in await connection.fetch(f"SELECT referral_id FROM referral WHERE {during}", *bounds)}
        bare |= {row[0] for row in await connection.fetch(f"SELECT consent_id FROM consent WHERE {during}", *bounds)}
        referrals: int = await connection.fetchval(f"SELECT count(*) FROM referral WHERE NOT {during}", *bounds)
    apart = [one for one in found if one.referral_id not in bare and one.name.partition("/")[0] not in bare]
    return Reconciled(referrals, len(apart))


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


async def ours(settings: Settings, brokers: Sequence[GuardedChild], records: Sequence[Sent]) -> tuple[float, float]:
    """Events per second of these processes, the last message confirmed and cleared included; and what they cost.

    They are held while the records are put into Kafka: the bare loop, too, finds its records there.
    """
    held = [psutil.Process(broker.pid) for broker in brokers]
    async with _connected(settings) as watch:
        before = await _taken(watch)
        for process in held:
            process.suspend()
        try:
            await produce(kafka_of(settings), records)
        finally:
            for process in held:
                process.resume()
        server = await postgres_of(watch)
        began, spent = time.perf_counter(), seconds([*held, *server])
        while await _taken(watch) - before < len(records) or await _unsent(watch):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(LOOK_SECONDS)
        took, spent = time.perf_counter() - began, seconds([*held, *server]) - spent
        return len(records) / took, spent / len(records)


@contextlib.asynccontextmanager
async def _running(settings: Settings, way: Way) -> AsyncIterator[list[GuardedChild]]:
    """The broker's processes, beside a relay, with their partitions shared out."""
    bare = (sys.executable, "-m", "bench.worker", *([] if way.trailed else [WITHOUT_TRAIL]))
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving_process(settings, Process.RELAY, settings.home / "logs" / "relay.log"))
        brokers: list[GuardedChild] = []
        for number in range(way.processes):
            log = settings.home / "logs" / f"broker-{number}.log"
            command = None if way.signed else bare
            brokers.append(stack.enter_context(serving_process(settings, Process.BROKER, log, command)))
        await _until_shared_out(settings, way.processes)
        yield brokers


async def _until_shared_out(settings: Settings, readers: int) -> None:
    """Wait until so many readers are in the group and know their partitions: starting up is not what is measured."""
    client = AIOKafkaAdminClient(**kafka_of(settings))
    await client.start()
    try:
        group = settings.topic_prefix + serving.CONSUMER_GROUP
        while not await _shared_out(client, group, readers):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.1)
    finally:
        await client.close()


async def _taken(connection: Connection) -> int:
    """Records taken in so far, from where each partition goes on: counting rows would take from what is measured."""
    count: int = await connection.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM position")
    return count


async def _unsent(connection: Connection) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM outbox")
    return count


async def mixed(settings: Settings, keys: Keys, referrals: int, way: Way) -> tuple[float, float, list[Sent], float]:
    """Rates of requests and of the answers to them, all their records, and the seconds that each of them cost."""
    topics = topics_of(settings)
    async with _running(settings, way) as brokers:
        await ours(settings, brokers, requests(WARMING_UP, topics, keys))
        async with _connected(settings) as connection:
            before: int = await connection.fetchval("SELECT count(*) FROM offer")
        first = requests(referrals, topics, keys)
        rate_requests, cost_requests = await ours(settings, brokers, first)
        second = await answers(settings, topics, keys, before)
        rate_answers, cost_answers = await ours(settings, brokers, second)
    spent = cost_requests * len(first) + cost_answers * len(second)
    return rate_requests, rate_answers, [*first, *second], spent / (len(first) + len(second))


async def _shared_out(client: AIOKafkaAdminClient, group: str, readers: int) -> bool:
    try:
        [described] = await client.describe_consumer_groups([group])
    except GroupCoordinatorNotAvailableError:
        return False
    _, _, state, _, _, members, *_ = described.groups[0]  # type: ignore[attr-defined]
    return bool(state == "Stable" and len(members) == readers)


def together(first: Sequence[Sent], rate_requests: float, rate_answers: float) -> float:
    """The rate over requests and answers together, by the time that both took."""
    asked = sum(record.topic.split(".")[-2] == "source" for record in first)
    answered = len(first) - asked
    return len(first) / (asked / rate_requests + answered / rate_answers)


WAYS = (
    Way(1, signed=False),
    Way(1, signed=False, trailed=False),
    Way(2, signed=False),
    Way(1, signed=True),
    Way(2, signed=True),
)

BARE_BESIDE = (0, 3)
"""Beside which of them the bare loop is measured."""


async def measure(settings: Settings, keys: Keys, referrals: int) -> tuple[list[Round], Reconciled]:
    """All of them on the same kind of records, in turn, in several rounds; then tables and trail are compared."""
    await mixed(settings, keys, referrals // 6, WAYS[0])  # Kafka's Java compiles itself meanwhile
    tune_memory()
    untrailed: list[tuple[datetime, datetime]] = []
    rounds = [await _round(settings, keys, referrals, number, untrailed) for number in range(ROUNDS)]
    return rounds, await reconciled(settings, untrailed)


async def with_and_without_trail(settings: Settings, keys: Keys, referrals: int) -> list[tuple[float, float]]:
    """Seconds on a processor for each event, with its trail and without, in turn, in several rounds."""
    ways = [Way(1, signed=False, trailed=trailed) for trailed in (True, False)]
    await mixed(settings, keys, referrals // 6, ways[0])
    tune_memory()
    rounds = []
    for number in range(ROUNDS):
        # Now the one first, now the other: what grows with the tables weighs on both.
        spent = {way: (await mixed(settings, keys, referrals, way))[3] for way in ways[:: (-1) ** number]}
        rounds.append((spent[ways[0]], spent[ways[1]]))
    return rounds


async def _round(
    settings: Settings, keys: Keys, referrals: int, number: int, untrailed: list[tuple[datetime, datetime]]
) -> Round:
    """The bare loop's turns lie among the pipeline's, next to each way of running it.

    `untrailed` is told when (UTC) the pipeline ran without its trail.
    """
    kafka, prefix = kafka_of(settings), settings.topic_prefix
    pipeline: dict[Way, tuple[float, float, float]] = {}
    spent: dict[Way, float] = {}
    bare: list[float] = []
    for place, way in enumerate(WAYS):
        began = datetime.now(UTC)
        asked, answered, records, spent[way] = await mixed(settings, keys, referrals, way)
        if not way.trailed:
            untrailed.append((began, datetime.now(UTC)))
        pipeline[way] = (asked, answered, together(records, asked, answered))
        names = sorted({record.topic for record in records})
        if place in BARE_BESIDE:
            bare.append(await bare_loop(kafka, names, len(records), f"{prefix}bare-{number}-{place}", prefix))
    assert settings.postgres_owner_dsn is not None
    owner_dsn = settings.postgres_owner_dsn.get_secret_value()
    plain = await naive(kafka, names, NAIVE_EVENTS, f"{prefix}naive-{number}", prefix, owner_dsn)
    return Round(bare=mean(bare), naive=plain, pipeline=pipeline, spent=spent)
