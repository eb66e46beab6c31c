"""A quarantined record judged again, now, exactly as intake judges it: same message id, same gate, effect at most once.

One transaction per record: what it does, what becomes of its row, the entry of the trail. What follows from it is left
to the relay, which asks the gate once more before anything leaves (docs/decisions/0125).
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import asyncpg
from aiokafka import ConsumerRecord

from broker import batch
from broker.batch import Result
from broker.handlers.desk import Desk
from broker.handlers.directory import Directory
from broker.pipeline import Parts
from broker.reading import Reading, opened_all, understand_all
from broker.schemas.event import Subject
from broker.schemas.refusal import RefusalCode, Refused
from broker.sql.bulk import Connection
from broker.sql.transient import TRANSIENT
from broker.store import quarantine
from broker.store.directory import directory_at
from broker.store.loading import ConsentCache, load
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one record; `code` and `field` say why where it was refused again."""

    judged: Judged
    code: RefusalCode | None = None
    field: str | None = None


async def judge_again(
    connection: Connection,
    parts: Parts,
    one: Quarantined,
    record: Record,
    reason: ReleaseReason,
    actor: str,
    *,
    dry_run: bool = False,
) -> Judgement:
    """Judge a record again, for this reason, by this role. With `dry_run` all of it is undone."""
    try:
        async with _transaction(connection, dry_run=dry_run):
            return await _judge(connection, parts, one, record, reason, actor, None)
    except TRANSIENT:
        raise
    except asyncpg.PostgresError as error:
        log.error("a record could not be stored (%s): it stays in quarantine", type(error).__name__)
        fault = Refused(RefusalCode.BROKER_FAULT)
        async with _transaction(connection, dry_run=dry_run):
            return await _judge(connection, parts, one, record, reason, actor, fault)


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
    parts: Parts,
    one: Quarantined,
    record: Record,
    reason: ReleaseReason,
    actor: str,
    fault: Refused | None,
) -> Judgement:
    still = await quarantine.locked(connection, one.place)
    if still is None:
        return Judgement(Judged.SETTLED_MEANWHILE)
    [reading] = opened_all([record], parts.topics, waited=True)
    reading.told = (still.code.value, still.field)
    reading.refused = fault or reading.refused
    now, result, queued = await _worked(connection, parts, reading)
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


async def _worked(connection: Connection, parts: Parts, reading: Reading) -> tuple[datetime, Result, list[Queued]]:
    """The batch of this one record, worked as the pipeline works any; its place was passed long ago and stays so."""
    before = await batch.known_before(connection, [reading])
    directory = await directory_at(connection, Directory.empty(), before.now, before.directory_version)
    await parts.packs.learn(connection, {directory.policy})
    check = parts.check_of(directory) if parts.check_of is not None else None
    await understand_all([reading], parts.topics, directory, check, before.now)
    environment = parts.topics.environment
    desk = Desk(before.now, parts.packs, directory, parts.draw, parts.broker_org, environment)
    await load(connection, desk, batch.wanted_of([reading]), ConsentCache(), parts.packs, before.background)
    result = batch.work(desk, [reading], before.known, set())
    queued = await write(connection, desk, parts.topics, OWNER, result.taken)
    return before.now, result, queued


def _referral_of(reading: Reading) -> str | None:
    arrival = reading.arrival
    about_one = arrival is not None and arrival.fact.SUBJECT is Subject.REFERRAL
    return arrival.envelope.subject if about_one and arrival is not None else None
