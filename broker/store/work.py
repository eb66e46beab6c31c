"""What waits for a human: who has claimed it, who was given it, what was decided; each step an entry of the trail.

The referral's row is locked before the item's, in the order of every batch. What a human decides of a need is scheduled
for now: a clock does it, under the same rules as everything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from broker.domain import lifecycle
from broker.domain.work_list import Resolution, UnmetReason, Waiting, age_max
from broker.errors import WorkClaimed, WorkImpossible, WorkNotOpen
from broker.handlers.cases import NextAction
from broker.handlers.recalling import OVERDUE
from broker.handlers.seeking import SEEKING
from broker.limits import work_claim_minutes
from broker.schemas.vocabulary import NeedState, Priority
from broker.sql.bulk import Connection
from broker.store import ticks
from broker.store.questions import add_entry, note_reading
from broker.trail.entries import Step, entry, fresh_salt

_LINE: Final = (
    "SELECT w.work_id, w.referral_id, w.category, w.reason, w.owner, w.priority, w.raised_at, w.assigned_to,"
    " CASE WHEN w.claimed_until > clock_timestamp() THEN w.claimed_by END AS claimed_by, w.claimed_until,"
    " clock_timestamp() AS now, n.state AS need_state, n.next_action, n.due_at"
    " FROM work_item w LEFT JOIN need n USING (referral_id, category) WHERE w.resolved_at IS NULL"
)


_ACTIONS: Final = {
    Resolution.SEEK_AGAIN: NextAction.SEEK_AGAIN,
    Resolution.CLOSE_UNMET: NextAction.CLOSE_UNMET,
}
_NOT_POSSIBLE: Final = {
    Resolution.SEEK_AGAIN: "Somebody has it, or it has ended: nobody else can be sought. The source may ask anew.",
    Resolution.CLOSE_UNMET: "Only a need for which nobody is left (NO_MATCH) can be closed as unmet.",
}


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One thing that waits for a human, with where its need stands. Times are UTC; `aged` is the age alarm."""

    work_id: str
    referral_id: str
    category: str
    reason: str
    priority: str
    owner: str
    raised_at: datetime
    age_seconds: int
    aged: bool
    claimed_by: str | None
    claimed_until: datetime | None
    assigned_to: str | None
    need_state: str | None
    next_action: str | None
    due_at: datetime | None


async def open_work(connection: Connection) -> list[WorkLine]:
    """What waits for a human, the most urgent and oldest first."""
    return [_line(row) for row in await connection.fetch(f"{_LINE} ORDER BY w.priority, w.raised_at")]


async def read_list(connection: Connection, reader: str) -> list[WorkLine]:
    """The same for somebody (a role, a desk) who is shown it, which is an entry of the trail."""
    async with connection.transaction():
        lines = await open_work(connection)
        await note_reading(connection, reader, "work list", (line.referral_id for line in lines))
    return lines


async def read_one(connection: Connection, work_id: str, reader: str) -> WorkLine:
    """One of them for somebody who is shown it, likewise.

    Raises:
        WorkNotOpen: it is unknown or resolved.
    """
    async with connection.transaction():
        line = await one_open(connection, work_id)
        await note_reading(connection, reader, "work show", [line.referral_id])
    return line


async def one_open(connection: Connection, work_id: str) -> WorkLine:
    """One of them.

    Raises:
        WorkNotOpen: it is unknown or resolved.
    """
    row = await connection.fetchrow(f"{_LINE} AND w.work_id = $1", work_id)
    if row is None:
        raise WorkNotOpen
    return _line(row)


def _line(row: asyncpg.Record) -> WorkLine:
    age = row["now"] - row["raised_at"]
    claimed = row["claimed_by"] is not None
    names = ("work_id", "referral_id", "category", "reason", "priority", "owner", "raised_at", "assigned_to")
    return WorkLine(
        **{name: row[name] for name in (*names, "claimed_by", "need_state", "next_action", "due_at")},
        age_seconds=int(age.total_seconds()),
        aged=age > age_max(row["reason"], Priority(row["priority"])),
        claimed_until=row["claimed_until"] if claimed else None,
    )


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whom an item concerns: who asked, who has the need or had it last, and what these organisations are called."""

    source: str | None
    provider: str | None
    names: Mapping[str, str]
    received_at: datetime | None = None
    """When the request came in; None where an item is about no referral."""
    rung: str | None = None
    """The highest acknowledgment of any offer that was made for the need."""


async def concerned(connection: Connection, line: WorkLine) -> Concerned:
    """Whom to call about it."""
    row = await connection.fetchrow(
        "SELECT r.source, r.received_at, n.provider, (SELECT max(o.rung) FROM offer o"
        " WHERE o.referral_id = r.referral_id AND o.category = $2) AS rung"
        " FROM referral r LEFT JOIN need n ON n.referral_id = r.referral_id AND n.category = $2"
        " WHERE r.referral_id = $1",
        *(line.referral_id, line.category),
    )
    orgs = [row["source"], row["provider"]] if row is not None else [None, None]
    named = await connection.fetch("SELECT org_id, name FROM organisation WHERE org_id = ANY($1::text[])", orgs)
    names = {one["org_id"]: one["name"] for one in named}
    if row is None:
        return Concerned(None, None, names)
    return Concerned(row["source"], row["provider"], names, row["received_at"], row["rung"])


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An item about something that could not be handed over to a provider that had said yes."""

    work_id: str
    referral_id: str
    provider: str


async def undelivered(connection: Connection) -> list[Undelivered]:
    """Those that are open, the oldest first."""
    rows = await connection.fetch(
        "SELECT w.work_id, w.referral_id, n.provider FROM work_item w JOIN need n USING (referral_id, category)"
        " WHERE w.resolved_at IS NULL AND w.reason = 'UNDELIVERED' AND n.provider IS NOT NULL ORDER BY w.raised_at"
    )
    return [Undelivered(**dict(row)) for row in rows]


async def claim(connection: Connection, work_id: str, by: str, *, override: bool = False) -> datetime:
    """Take an item for ten minutes; returns until when (UTC). Claimed again, it is the claimant's for ten more.

    Raises:
        WorkNotOpen: it is unknown or resolved.
        WorkClaimed: somebody else has it, and `override` was not said.
    """
    async with connection.transaction():
        row = await _locked(connection, work_id)
        other = _others_claim(row, by, override=override)
        until: datetime = row["now"] + timedelta(minutes=work_claim_minutes)
        await connection.execute(
            "UPDATE work_item SET claimed_by = $2, claimed_until = $3 WHERE work_id = $1", work_id, by, until
        )
        await _tell(connection, Step.WORK_CLAIMED, row, by, until=until, **({"takenFrom": other} if other else {}))
    return until


async def release(connection: Connection, work_id: str, by: str, *, override: bool = False) -> None:
    """Give an item back, to whoever comes next; the ladder goes on by itself where it had been assigned.

    Raises:
        WorkNotOpen, WorkClaimed: as for `claim`.
    """
    async with connection.transaction():
        row = await _locked(connection, work_id)
        other = _others_claim(row, by, override=override)
        await connection.execute(
            "UPDATE work_item SET claimed_by = NULL, claimed_until = NULL, assigned_to = NULL WHERE work_id = $1",
            work_id,
        )
        await _tell(connection, Step.WORK_RELEASED, row, by, **({"takenFrom": other} if other else {}))
        await _resume(connection, row)


async def assign(connection: Connection, work_id: str, to: str, by: str, *, override: bool = False) -> None:
    """Give an item to a role or a desk: while it is open, nothing climbs the ladder for its need by itself.

    Raises:
        WorkNotOpen, WorkClaimed: as for `claim`.
    """
    async with connection.transaction():
        row = await _locked(connection, work_id)
        other = _others_claim(row, by, override=override)
        await connection.execute(
            "UPDATE work_item SET assigned_to = $2, claimed_by = NULL, claimed_until = NULL WHERE work_id = $1",
            work_id,
            to,
        )
        await _tell(connection, Step.WORK_ASSIGNED, row, by, to=to, **({"takenFrom": other} if other else {}))


async def resolve(
    connection: Connection,
    work_id: str,
    by: str,
    resolution: Resolution,
    unmet: UnmetReason | None = None,
    *,
    override: bool = False,
) -> None:
    """Close an item with what was decided, and have that done.

    Raises:
        WorkNotOpen, WorkClaimed: as for `claim`.
        WorkImpossible: the need is in no state in which that can be done.
    """
    async with connection.transaction():
        row = await _locked(connection, work_id)
        _others_claim(row, by, override=override)
        action = _action(row, resolution)
        if row["reason"] == Waiting.CLOCK_HELD:
            await ticks.release(connection, row["now"], by, "a human said so")
        await connection.execute(
            "UPDATE work_item SET resolved_at = $2, resolved_by = $3, resolution = $4, unmet_reason = $5"
            " WHERE work_id = $1",
            *(work_id, row["now"], by, resolution, unmet),
        )
        told = {"resolution": resolution, **({"unmet": unmet} if unmet else {})}
        await _tell(connection, Step.WORK_RESOLVED, row, by, **told)
        if row["reason"] == OVERDUE:
            await _ask_back_again(connection, row)
        if action is not None:
            await _at_once(connection, row, action)
            return
        await _resume(connection, row)
        await _look_again(connection, row)


def decidable(need_state: str | None) -> tuple[Resolution, ...]:
    """What a human can decide while the need is in this state; None where an item is about no need."""
    state = None if need_state is None else NeedState(need_state)
    decisions = [Resolution.HANDLED]
    if state is not None and (state is NeedState.NO_MATCH or state in SEEKING):
        decisions.append(Resolution.SEEK_AGAIN)
    if state is not None and lifecycle.allows(lifecycle.NEED, state, NeedState.CLOSED_UNMET):
        decisions.append(Resolution.CLOSE_UNMET)
    return tuple(decisions)


def _action(row: asyncpg.Record, resolution: Resolution) -> NextAction | None:
    """What a clock is to do of it."""
    if resolution not in decidable(row["need_state"]):
        raise WorkImpossible(remedy=_NOT_POSSIBLE[resolution])
    return _ACTIONS.get(resolution)


async def _locked(connection: Connection, work_id: str) -> asyncpg.Record:
    """The open item, locked until the transaction ends, its referral before it."""
    await connection.execute(
        "SELECT 1 FROM referral WHERE referral_id = (SELECT referral_id FROM work_item WHERE work_id = $1) FOR UPDATE",
        work_id,
    )
    row: asyncpg.Record | None = await connection.fetchrow(f"{_LINE} AND w.work_id = $1 FOR UPDATE OF w", work_id)
    if row is None:
        raise WorkNotOpen
    return row


def _others_claim(row: asyncpg.Record, by: str, *, override: bool) -> str | None:
    """Who else has it, where that was overridden; None where nobody has."""
    other = row["claimed_by"]
    if other is None or other == by:
        return None
    if not override:
        raise WorkClaimed(f"{other} has claimed this item until {row['claimed_until']:%H:%M} UTC.")
    return str(other)


async def _resume(connection: Connection, row: asyncpg.Record) -> None:
    """What had been given to a human climbs again, from where it would be by now."""
    if row["assigned_to"] is not None and row["need_state"] in SEEKING | {NeedState.NO_MATCH}:
        await _at_once(connection, row, NextAction.CLIMB_LADDER)


async def _look_again(connection: Connection, row: asyncpg.Record) -> None:
    """A need that is still open and has no next step comes back, after as long as such an item may lie."""
    state = row["need_state"]
    if state is None or row["due_at"] is not None or lifecycle.is_terminal(lifecycle.NEED, NeedState(state)):
        return
    await connection.execute(
        "UPDATE need SET next_action = coalesce(next_action, $3), due_at = $4 WHERE referral_id = $1 AND category = $2"
        " AND due_at IS NULL",
        *(row["referral_id"], row["category"], NextAction.EXPIRE_REFERRAL),
        row["now"] + age_max(row["reason"], Priority(row["priority"])),
    )


async def _ask_back_again(connection: Connection, row: asyncpg.Record) -> None:
    """What was handed over and is still not confirmed as given up comes back, too, however the need stands."""
    await connection.execute(
        "UPDATE recall r SET due_at = $3 FROM offer o WHERE o.offer_id = r.offer_id AND r.referral_id = $1"
        " AND o.category = $2 AND r.outcome IS NULL AND r.due_at IS NULL",
        *(row["referral_id"], row["category"], row["now"] + age_max(OVERDUE, Priority(row["priority"]))),
    )


async def _at_once(connection: Connection, row: asyncpg.Record, action: NextAction) -> None:
    await connection.execute(
        "UPDATE need SET next_action = $3, due_at = $4 WHERE referral_id = $1 AND category = $2",
        *(row["referral_id"], row["category"], action, row["now"]),
    )


async def _tell(connection: Connection, step: Step, row: asyncpg.Record, by: str, **more: object) -> None:
    of_network = row["referral_id"] == ticks.NETWORK
    facts = {"at": row["now"], "actor": by, "need": row["category"], "reason": row["reason"], **more}
    await add_entry(connection, entry(step, None if of_network else row["referral_id"], facts, fresh_salt()))
