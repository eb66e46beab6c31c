"""Stores what came of many attempts in one transaction: attempts, deliveries, breakers, what the broker is to be told.

What arrived has arrived, however late that is stored. Any other outcome counts only while nobody else has taken the
delivery on since.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.breaker import toll
from adapters.channels import Registry, channels_of, tell_paused
from adapters.claiming import UNKNOWN, Claim, consent_of
from adapters.course import BREAKER_OPEN, ENDED, Course, came
from adapters.delivery_rows import AttemptRow, Change, Ledger, Row, course_of
from adapters.handing_on import plan_for
from adapters.passing import RULES
from adapters.reminding import reminder_of, ways_of
from adapters.schedule import PROBE_EVERY, asked_wait
from adapters.transports.transport import Delivered, Outcome, Refused
from adapters.ways import KeptChannel
from broker import limits
from broker.schemas.ids import OrgId
from broker.sql.bulk import Connection, Pool

LET_GO: Final = "LET_GO"
"""We did not see it through: that says nothing about the channel."""

_LOCKED: Final = (
    "SELECT d.*, clock_timestamp() AS now FROM delivery d WHERE delivery_id = ANY($1::bigint[])"
    " ORDER BY delivery_id FOR UPDATE"
)
_IN_A_ROW: Final = "(w.failed + CASE WHEN w.answered THEN 0 ELSE c.failures END)"
_BREAKERS: Final = (
    "UPDATE channel c SET paused = coalesce(c.paused, w.paused),"  # noqa: S608  constants
    " paused_at = CASE WHEN coalesce(c.paused, w.paused) IS NOT NULL"
    " THEN coalesce(c.paused_at, statement_timestamp()) END,"
    f" failures = {_IN_A_ROW}, failing_since = CASE WHEN {_IN_A_ROW} = 0 THEN NULL WHEN w.answered"
    " THEN statement_timestamp() ELSE coalesce(c.failing_since, statement_timestamp()) END,"
    f" probe_at = greatest(CASE WHEN {_IN_A_ROW} >= $8 THEN statement_timestamp() + $9::interval"
    " WHEN w.answered AND coalesce(c.asked_until <= statement_timestamp(), true) THEN NULL ELSE c.probe_at END,"
    " statement_timestamp() + w.asked), asked_until = greatest(c.asked_until, statement_timestamp() + w.asked)"
    " FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::boolean[], $5::integer[], $6::text[],"
    " $7::interval[]) AS w(org_id, place, changed_at, answered, failed, paused, asked)"
    " WHERE c.org_id = w.org_id AND c.place = w.place AND c.changed_at = w.changed_at"
    " AND (w.failed > 0 OR w.paused IS NOT NULL OR c.failures > 0 OR c.probe_at IS NOT NULL)"
    " RETURNING c.org_id, c.place, w.paused, c.probe_at IS NULL AS closed"
)
"""A channel that was changed since is another channel: what came of attempts by the old one says nothing about it.

Of one that has asked for patience, what came of an attempt from before says no more than that.
"""

_WAITED: Final = (
    "UPDATE delivery d SET due_at = clock_timestamp() FROM unnest($1::text[], $2::integer[]) AS w(org_id, place)"
    " WHERE d.org_id = w.org_id AND d.place = w.place AND d.code = $3 AND d.due_at > clock_timestamp()"
    " AND d.state IN ('QUEUED', 'RETRYING')"
)


@dataclass(frozen=True, slots=True)
class Done:
    """One attempt that was made, and what came of it."""

    claim: Claim
    outcome: Outcome
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Storer:
    """Stores outcomes."""

    pool: Pool
    registry: Registry
    ledger: Ledger

    async def store(self, done: Sequence[Done]) -> int:
        """Store them all or none; returns how many events of ours wait to be sent because of it."""
        async with self.pool.acquire() as connection, connection.transaction():
            found = await connection.fetch(_LOCKED, sorted({one.claim.row["delivery_id"] for one in done}))
            rows = {row["delivery_id"]: row for row in found}
            orgs = {OrgId(one.claim.row["org_id"]) for one in done if not isinstance(one.outcome, Delivered)}
            channels = await channels_of(connection, orgs, self.registry.transports) if orgs else {}
            outcomes = _Outcomes(rows, channels)
            for one in done:
                outcomes.add(one)
            now = found[0]["now"] if found else done[0].claim.row["now"]
            told = await self.ledger.write(connection, list(outcomes.changes.values()), outcomes.attempts, now)
            await _breakers(connection, done)
        return told


@dataclass(slots=True)
class _Outcomes:
    """What many outcomes do to their deliveries."""

    rows: Mapping[int, Row]
    channels: Mapping[OrgId, Sequence[KeptChannel]]
    changes: dict[int, Change] = field(default_factory=dict)
    attempts: list[AttemptRow] = field(default_factory=list)

    def add(self, one: Done) -> None:
        """Take one outcome in."""
        self.attempts.append(_attempt(one))
        delivery_id = one.claim.row["delivery_id"]
        row = self.rows.get(delivery_id)
        if row is None:
            return
        before = self.changes[delivery_id].course if delivery_id in self.changes else course_of(row)
        ours = before.attempts == one.claim.course.attempts
        if before.state not in ENDED and (ours or isinstance(one.outcome, Delivered)):
            arrived, kept = isinstance(one.outcome, Delivered), one.claim.kept
            after = self._after(row, before, one.outcome)
            self.changes[delivery_id] = Change(row, after, arrived and kept.pushes, arrived and kept.receipts)

    def _after(self, row: Row, before: Course, outcome: Outcome) -> Course:
        ways = ways_of(self.channels.get(OrgId(row["org_id"]), ()), row["type"], reminder_of(row))
        plan = plan_for(row["type"], row["priority"])
        return came(before, outcome, ways, plan, row["now"], random.random())  # noqa: S311  jitter, no secret


def _attempt(one: Done) -> AttemptRow:
    row, course = one.claim.row, one.claim.course
    consent_id, consent_version = consent_of(row)
    return AttemptRow(
        delivery_id=row["delivery_id"],
        number=course.attempts,
        transport=one.claim.channel.transport,
        place=course.place,
        outcome=_named(one.outcome),
        code=one.outcome.code,
        began_at=row["now"],
        duration_ms=one.duration_ms,
        policy=RULES,
        consent_id=consent_id,
        consent_version=consent_version,
        folder=one.claim.channel.secrets.name,
    )


def _named(outcome: Outcome) -> str:
    if isinstance(outcome, Delivered):
        return "DELIVERED"
    if isinstance(outcome, Refused):
        return "REFUSED"
    return UNKNOWN if outcome.unknown else "TRY_AGAIN"


def _bounded(asked: timedelta | None) -> timedelta | None:
    return None if asked is None else asked_wait(asked)


async def _breakers(connection: Connection, done: Sequence[Done]) -> None:
    """Open, close and pause channels by what came of attempts; what waited for a closed one is due."""
    by_channel: dict[tuple[OrgId, int, datetime], list[Outcome]] = {}
    for one in (one for one in done if one.outcome.code != LET_GO):
        kept = one.claim.kept
        by_channel.setdefault((kept.org, kept.place, kept.changed_at), []).append(one.outcome)
    if not by_channel:
        return
    tolls = [(*channel, toll(by_channel[channel])) for channel in sorted(by_channel)]
    sums = ((org, place, at, t.answered, t.failed, t.paused, _bounded(t.asked)) for org, place, at, t in tolls)
    arrays = zip(*sums, strict=True)
    changed = await connection.fetch(_BREAKERS, *arrays, limits.channel_failures_max, PROBE_EVERY)
    for row in changed:
        if row["paused"] is not None:
            tell_paused(row["place"], row["org_id"], row["paused"])
    closed = [row for row in changed if row["closed"]]
    if closed:
        places = [row["org_id"] for row in closed], [row["place"] for row in closed]
        await connection.execute(_WAITED, *places, BREAKER_OPEN)
