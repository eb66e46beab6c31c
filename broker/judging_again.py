"""A quarantined record judged again, now, exactly as intake judges it: same message id, same gate, effect at most once.

One transaction per record: what it does, what becomes of its row, the entry of the trail. What follows from it is left
to the relay, which asks the gate once more before anything leaves (docs/decisions/0125).
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import asyncpg
from aiokafka import ConsumerRecord

from broker import batch
from broker.batch import Result
from broker.bus.rereading import Rereader
from broker.handlers.desk import Desk, Draw
from broker.handlers.directory import Directory
from broker.pipeline import draw
from broker.reading import Reading, Verify, opened_all, understand_all
from broker.schemas.event import Subject
from broker.schemas.ids import OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.sql.bulk import Connection
from broker.sql.transient import TRANSIENT
from broker.store import quarantine
from broker.store.directory import directory_at
from broker.store.loading import ConsentCache, load
from broker.store.policies import Packs
from broker.store.quarantine import Quarantined, ReleaseReason, Settled
from broker.store.writing import Queued, let_go, write

log = logging.getLogger(__name__)

Record = ConsumerRecord[bytes, bytes]

OWNER = "quarantine"
"""Who has queued what followed, in the outbox: nobody who sends, so the relay takes it at once."""


class Judged(StrEnum):
    """What came of it."""

    TAKEN_IN = "TAKEN_IN"
    KNOWN_ALREADY = "KNOWN_ALREADY"
    """The same event was taken in before, by another record: it does not take effect twice."""
    REFUSED = "REFUSED"
    SETTLED_MEANWHILE = "SETTLED_MEANWHILE"
    GONE = "GONE"
    """Kafka does not keep the record any more: its publisher may send it anew."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What a process needs to judge records: no key, and nothing by which it could send."""

    topics: Topics
    packs: Packs
    broker_org: OrgId
    check_of: Callable[[Directory], Verify]
    draw: Draw = field(default_factory=draw)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one record; `code` and `field` say why where it was refused again."""

    judged: Judged
    code: RefusalCode | None = None
    field: str | None = None


async def judge_again(
    connection: Connection,
    judge: Judge,
    reader: Rereader,
    one: Quarantined,
    reason: ReleaseReason,
    actor: str,
    *,
    dry_run: bool = False,
) -> Judgement:
    """Read a record again from Kafka and judge it again, for this reason, by this role.

    With `dry_run` all of it is undone: it says what would come of it.

    Raises:
        KafkaUnreachable: it cannot be said whether Kafka keeps it.
    """
    record = await reader.read(*one.place)
    if record is None:
        return Judgement(Judged.GONE)
    return await _judge_record(connection, judge, one, record, reason, actor, dry_run=dry_run)


async def _judge_record(
    connection: Connection,
    judge: Judge,
    one: Quarantined,
    record: Record,
    reason: ReleaseReason,
    actor: str,
    *,
    dry_run: bool = False,
) -> Judgement:
    try:
        async with _transaction(connection, dry_run=dry_run):
            return await _judge(connection, judge, one, record, reason, actor, None)
    except TRANSIENT:
        raise
    except asyncpg.PostgresError as error:
        log.error("a record could not be stored (%s): it stays in quarantine", type(error).__name__)
        fault = Refused(RefusalCode.BROKER_FAULT)
        async with _transaction(connection, dry_run=dry_run):
            return await _judge(connection, judge, one, record, reason, actor, fault)


@asynccontextmanager
async def _transaction(connection: Connection, *, dry_run: bool) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        await transaction.rollback()
        raise
    await (transaction.rollback() if dry_run else transaction.commit())


async def _judge(
    connection: Connection,
    judge: Judge,
    one: Quarantined,
    record: Record,
    reason: ReleaseReason,
    actor: str,
    fault: Refused | None,
) -> Judgement:
    still = await quarantine.locked(connection, one.place)
    if still is None:
        return Judgement(Judged.SETTLED_MEANWHILE)
    [reading] = opened_all([record], judge.topics, waited=True)
    reading.told = (still.code.value, still.field)
    reading.refused = fault or reading.refused
    now, result, queued = await _worked(connection, judge, reading)
    await let_go(connection, [message.seq for message in queued])
    if result.quarantined:
        [pointer] = result.quarantined
        again = replace(
            still,
            code=RefusalCode(pointer.code),
            field=pointer.field,
            org=pointer.org,
            event_id=pointer.event_id,
            judged_at=now,
        )
        await quarantine.keep(connection, still, again, reason, actor)
        return Judgement(Judged.REFUSED, again.code, again.field)
    await quarantine.settle(connection, still, Settled.RELEASED, reason, actor, now, _referral_of(reading))
    return Judgement(Judged.TAKEN_IN if result.taken else Judged.KNOWN_ALREADY)


async def _worked(connection: Connection, judge: Judge, reading: Reading) -> tuple[datetime, Result, list[Queued]]:
    """The batch of this one record, worked as the pipeline works any; its place was passed long ago and stays so."""
    before = await batch.known_before(connection, [reading])
    directory = await directory_at(connection, Directory.empty(), before.now, before.directory_version)
    await judge.packs.learn(connection, {directory.policy})
    await understand_all([reading], judge.topics, directory, judge.check_of(directory), before.now)
    desk = Desk(before.now, judge.packs, directory, judge.draw, judge.broker_org, judge.topics.environment)
    await load(connection, desk, batch.wanted_of([reading]), ConsentCache(), judge.packs, before.background)
    result = batch.work(desk, [reading], before.known, set())
    queued = await write(connection, desk, judge.topics, OWNER, result.taken)
    return before.now, result, queued


def _referral_of(reading: Reading) -> str | None:
    arrival = reading.arrival
    about_one = arrival is not None and arrival.fact.SUBJECT is Subject.REFERRAL
    return arrival.envelope.subject if about_one and arrival is not None else None
