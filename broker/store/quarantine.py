"""Records that were not taken in, as people look after them: whose each is, how old, why; judged again or given up.

A row says where a record lies and why it was refused, never what it says (docs/decisions/0032). It stays open until
somebody has it judged again and it is taken in, or gives it up with a reason; both are entries of the trail.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from broker.limits import quarantine_alarm_hours, quarantine_bulk_max, quarantine_settled_days
from broker.schemas.refusal import RefusalCode
from broker.sql.bulk import Connection
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt

ALARM_AGE: Final = timedelta(hours=quarantine_alarm_hours)


class ReleaseReason(StrEnum):
    """Why a record is judged again: what has changed since it was refused."""

    ORGANISATION_ONBOARDED = "ORGANISATION_ONBOARDED"
    KEY_REGISTERED = "KEY_REGISTERED"
    AGREEMENT_RENEWED = "AGREEMENT_RENEWED"
    CAME_OUT_OF_ORDER = "CAME_OUT_OF_ORDER"
    DEFECT_MENDED = "DEFECT_MENDED"


class DiscardReason(StrEnum):
    """Why a record is given up."""

    PUBLISHED_ANEW = "PUBLISHED_ANEW"
    PUBLISHER_GAVE_UP = "PUBLISHER_GAVE_UP"
    TOLD_OTHERWISE = "TOLD_OTHERWISE"
    FORGED = "FORGED"
    NOT_AN_EVENT = "NOT_AN_EVENT"
    RECORD_GONE = "RECORD_GONE"


class Settled(StrEnum):
    """What became of a row."""

    RELEASED = "RELEASED"
    DISCARDED = "DISCARDED"


class Place(NamedTuple):
    """Where a record lies. Kafka's time (ms since 1970, UTC) tells it from one of a topic that was made anew."""

    topic: str
    partition: int
    offset: int
    time_ms: int

    def __str__(self) -> str:
        """As people name it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One record that was not taken in. `judged_at` is when it was judged again and refused again, if ever."""

    place: Place
    code: RefusalCode
    field: str | None
    org: str | None
    event_id: str | None
    size_bytes: int
    quarantined_at: datetime
    judged_at: datetime | None
    settled_at: datetime | None
    settled: Settled | None
    reason: str | None

    def owner(self, broker_org: str) -> str:
        """Who has to do something: the publisher, or the operator where nobody else can, or the fault is ours."""
        return broker_org if self.org is None or self.code is RefusalCode.BROKER_FAULT else self.org

    def is_overdue(self, now: datetime) -> bool:
        """Whether nobody has settled it for too long."""
        return self.settled_at is None and now - self.quarantined_at >= ALARM_AGE


@dataclass(frozen=True, slots=True)
class Filter:
    """Which open rows are meant; what is None does not narrow."""

    code: RefusalCode | None = None
    org: str | None = None
    older_than: timedelta | None = None
    younger_than: timedelta | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any(value is not None for value in (self.code, self.org, self.older_than, self.younger_than))


@dataclass(frozen=True, slots=True)
class Backlog:
    """The open rows of one owner: how many, how many of them for too long, and since when the oldest waits."""

    owner: str
    open: int
    overdue: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class OfCode:
    """The open rows that were refused with one code: how many, how many for too long, since when the oldest waits."""

    code: RefusalCode
    open: int
    overdue: int
    oldest: datetime


_NAMED: Final = re.compile(r"(?P<topic>[a-zA-Z0-9._-]{1,249})/(?P<partition>\d{1,9})/(?P<offset>\d{1,18})")
_ROW: Final = (
    "SELECT topic, partition, record_offset, record_time_ms, code, field, org_id, event_id, size_bytes, quarantined_at,"
    " judged_at, settled_at, settled, settled_reason FROM quarantine"
)
_FOUND: Final = (
    f"{_ROW} WHERE settled_at IS NULL AND ($1::text IS NULL OR code = $1)"
    " AND ($2::text IS NULL OR coalesce(org_id, $3) = $2)"
    " AND ($4::interval IS NULL OR quarantined_at <= now() - $4::interval)"
    " AND ($5::interval IS NULL OR quarantined_at >= now() - $5::interval)"
)
_NEWEST: Final = f"{_FOUND} ORDER BY quarantined_at DESC LIMIT $6"
_OLDEST: Final = f"{_FOUND} ORDER BY quarantined_at, topic, partition, record_offset LIMIT $6"
_AT: Final = (
    f"{_ROW} WHERE topic = $1 AND partition = $2 AND record_offset = $3"
    " ORDER BY settled_at IS NOT NULL, record_time_ms DESC LIMIT 1"
)
_OPEN: Final = (
    f"{_ROW} WHERE topic = $1 AND partition = $2 AND record_offset = $3 AND record_time_ms = $4"
    " AND settled_at IS NULL FOR UPDATE"
)
_SETTLE: Final = (
    "UPDATE quarantine SET settled_at = $5, settled = $6, settled_reason = $7"
    " WHERE topic = $1 AND partition = $2 AND record_offset = $3 AND record_time_ms = $4"
)
_KEEP: Final = (
    "UPDATE quarantine SET judged_at = $5, code = $6, field = $7, org_id = $8, event_id = $9"
    " WHERE topic = $1 AND partition = $2 AND record_offset = $3 AND record_time_ms = $4"
)
_BACKLOG: Final = (
    "SELECT CASE WHEN org_id IS NULL OR code = $2 THEN $1 ELSE org_id END AS owner, count(*) AS open,"
    " count(*) FILTER (WHERE quarantined_at <= now() - $3::interval) AS overdue, min(quarantined_at) AS oldest"
    " FROM quarantine WHERE settled_at IS NULL GROUP BY 1 ORDER BY oldest"
)
_BY_CODE: Final = (
    "SELECT code, count(*) AS open, count(*) FILTER (WHERE quarantined_at <= now() - $1::interval) AS overdue,"
    " min(quarantined_at) AS oldest FROM quarantine WHERE settled_at IS NULL GROUP BY code ORDER BY open DESC, code"
)
_FORGET: Final = (
    "DELETE FROM quarantine WHERE (topic, partition, record_offset, record_time_ms) IN (SELECT topic, partition,"
    " record_offset, record_time_ms FROM quarantine WHERE settled_at < now() - make_interval(days => $1) LIMIT $2"
    " FOR UPDATE SKIP LOCKED)"
)


async def found(
    connection: Connection, wanted: Filter, broker_org: str, limit: int, *, oldest_first: bool = False
) -> list[Quarantined]:
    """The open rows that are meant, in the order in which they were refused or the newest first.

    `broker_org` as organisation means those that came on no organisation's topic.
    """
    said = (wanted.code, wanted.org, broker_org, wanted.older_than, wanted.younger_than)
    rows = await connection.fetch(_OLDEST if oldest_first else _NEWEST, *said, limit)
    return [_read(row) for row in rows]


async def at(connection: Connection, topic: str, partition: int, offset: int) -> Quarantined | None:
    """The row of one record; of a topic that was made anew the newest one."""
    row = await connection.fetchrow(_AT, topic, partition, offset)
    return None if row is None else _read(row)


async def named(connection: Connection, name: str) -> Quarantined | None:
    """The row of the record that people name so (topic/partition/offset); None where there is none.

    Raises:
        ValueError: no record is named so.
    """
    found = _NAMED.fullmatch(name)
    if found is None:
        raise ValueError("a record is named as topic/partition/offset")
    return await at(connection, found["topic"], int(found["partition"]), int(found["offset"]))


async def by_code(connection: Connection) -> list[OfCode]:
    """What is open, by the code with which it was refused, the most first."""
    rows = [dict(row) for row in await connection.fetch(_BY_CODE, ALARM_AGE)]
    return [OfCode(**{**row, "code": RefusalCode(row["code"])}) for row in rows]


async def locked(connection: Connection, place: Place) -> Quarantined | None:
    """An open row, held until the transaction ends; None where somebody has settled it meanwhile."""
    row = await connection.fetchrow(_OPEN, *place)
    return None if row is None else _read(row)


async def backlog(connection: Connection, broker_org: str) -> list[Backlog]:
    """What is open, by owner, the one whose oldest waits longest first."""
    rows = await connection.fetch(_BACKLOG, broker_org, RefusalCode.BROKER_FAULT.value, ALARM_AGE)
    return [Backlog(**dict(row)) for row in rows]


async def settle(
    connection: Connection,
    one: Quarantined,
    settled: Settled,
    reason: str,
    actor: str,
    now: datetime,
    referral_id: str | None = None,
) -> None:
    """Close a row, in the caller's transaction, with an entry of the trail: who, why, which record."""
    await connection.execute(_SETTLE, *one.place, now, settled, reason)
    step = Step.QUARANTINE_RELEASED if settled is Settled.RELEASED else Step.QUARANTINE_DISCARDED
    await _tell(connection, step, one, {"reason": reason, "code": one.code}, actor, now, referral_id)


async def keep(connection: Connection, one: Quarantined, again: Quarantined, reason: str, actor: str) -> None:
    """It was judged again (`again`) and refused again, now perhaps for another reason: it stays open."""
    assert again.judged_at is not None
    told = (again.judged_at, again.code, again.field, again.org, again.event_id)
    await connection.execute(_KEEP, *one.place, *told)
    facts: dict[str, object] = {"reason": reason, "code": one.code, "codeNow": again.code, "fieldNow": again.field}
    await _tell(connection, Step.QUARANTINE_KEPT, one, facts, actor, again.judged_at, None)


async def discard(connection: Connection, one: Quarantined, reason: DiscardReason, actor: str) -> bool:
    """Give a record up, in one transaction; False where somebody has settled it meanwhile."""
    async with connection.transaction():
        still = await locked(connection, one.place)
        if still is None:
            return False
        now = await connection.fetchval("SELECT clock_timestamp()")
        await settle(connection, still, Settled.DISCARDED, reason, actor, now)
    return True


async def forget_settled(connection: Connection) -> int:
    """Delete rows that were settled long ago; returns how many. What was done stays on the trail."""
    told: str = await connection.execute(_FORGET, quarantine_settled_days, quarantine_bulk_max)
    return int(told.rpartition(" ")[2])


async def _tell(
    connection: Connection,
    step: Step,
    one: Quarantined,
    facts: dict[str, object],
    actor: str,
    now: datetime,
    referral_id: str | None,
) -> None:
    told = {"at": now, "actor": actor, "cause": one.event_id, "record": str(one.place), **facts}
    await add_entry(connection, entry(step, referral_id, told, fresh_salt()))


def _read(row: Any) -> Quarantined:
    return Quarantined(
        place=Place(row["topic"], row["partition"], row["record_offset"], row["record_time_ms"]),
        code=RefusalCode(row["code"]),
        field=row["field"],
        org=row["org_id"],
        event_id=row["event_id"],
        size_bytes=row["size_bytes"],
        quarantined_at=row["quarantined_at"],
        judged_at=row["judged_at"],
        settled_at=row["settled_at"],
        settled=None if row["settled"] is None else Settled(row["settled"]),
        reason=row["settled_reason"],
    )
