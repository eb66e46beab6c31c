"""How the network stands at one moment: what is open, how old, whose turn it is, what is held and what is stuck.

Counts, codes, ids of organisations and ages; nothing about a person, and nothing to search one by.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.domain.lifecycle import NEED, is_terminal
from broker.domain.whole import whole
from broker.handlers.recalling import OVERDUE
from broker.limits import status_hours
from broker.schemas.vocabulary import NeedState
from broker.sql.bulk import Connection
from broker.store.closing import GIVEN_UP
from broker.store.quarantine import Backlog, backlog


@dataclass(frozen=True, slots=True)
class OpenNeeds:
    """Open needs of one state and next action, with one owner; ages in seconds."""

    state: str
    next_action: str | None
    owner: str | None
    count: int
    oldest_seconds: int
    overdue: int
    overdue_seconds: int
    """How late the latest of them is."""


@dataclass(frozen=True, slots=True)
class Pile:
    """So many of something, the oldest of this age."""

    count: int
    oldest_seconds: int


@dataclass(frozen=True, slots=True)
class Clock:
    """How the clocks fare; None where none has ever ticked, or nothing is held."""

    silent_seconds: int | None
    held_seconds: int | None
    held_step_seconds: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The whole, at the database's time (UTC). Escalations and refusals are of the last day."""

    at: datetime
    clock: Clock
    referrals: dict[str, int]
    """Referrals with an open need, by the state that follows from all their needs'."""
    needs: tuple[OpenNeeds, ...]
    idle: int
    """Open needs for which nothing is scheduled and which are on nobody's list: there must be none."""
    idle_recalls: int
    """Recipients that have not answered a recall and that nobody asks again: there must be none, either."""
    escalations: dict[str, int]
    outbox: Pile
    recalls: Pile
    refused: Pile
    quarantine: tuple[Backlog, ...]
    """What is open there however old it is, by owner."""


_OPEN_RECALL = f"outcome IS NULL AND NOT {GIVEN_UP.format(name='recall.offer_id', since='recall.asked_at')}"
_OPEN = f"state IN ({', '.join(repr(state.value) for state in NEED if not is_terminal(NEED, state))})"
"""What has not ended (domain.md §10.2)."""

_NEEDS = f"""
SELECT state, next_action, owner, count(*) AS count,
    coalesce(max(extract(epoch FROM clock_timestamp() - r.received_at)), 0)::bigint AS oldest_seconds,
    count(*) FILTER (WHERE due_at <= clock_timestamp()) AS overdue,
    greatest(coalesce(max(extract(epoch FROM clock_timestamp() - due_at)), 0), 0)::bigint AS overdue_seconds
FROM need JOIN referral r USING (referral_id) WHERE {_OPEN}
GROUP BY state, next_action, owner ORDER BY state, count DESC
"""  # noqa: S608  a constant
_REFERRALS = f"""
SELECT states, count(*) AS count FROM (
    SELECT array_agg(DISTINCT state ORDER BY state) AS states FROM need
    WHERE referral_id IN (SELECT referral_id FROM need WHERE {_OPEN}) GROUP BY referral_id
) AS referrals GROUP BY states
"""  # noqa: S608  a constant
_IDLE = f"""
SELECT count(*) FROM need n WHERE {_OPEN} AND due_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM work_item w WHERE w.referral_id = n.referral_id AND w.category = n.category
        AND w.resolved_at IS NULL
)
"""  # noqa: S608  a constant
_IDLE_RECALLS = """
SELECT count(*) FROM recall r JOIN offer o USING (offer_id) WHERE r.outcome IS NULL AND r.due_at IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM work_item w WHERE w.referral_id = r.referral_id AND w.category = o.category
            AND w.reason = $1 AND w.resolved_at IS NULL
    )
"""


async def standing(connection: Connection, broker_org: str) -> Standing:
    """The network as it stands now."""
    now = await connection.fetchval("SELECT clock_timestamp()")
    return Standing(
        at=now,
        clock=await clock_state(connection),
        referrals=await _referrals(connection),
        needs=tuple(OpenNeeds(**dict(row)) for row in await connection.fetch(_NEEDS)),
        idle=await connection.fetchval(_IDLE),
        idle_recalls=await connection.fetchval(_IDLE_RECALLS, OVERDUE),
        escalations=await _escalations(connection),
        outbox=await _outbox(connection),
        recalls=await _pile(connection, "recall", "asked_at", _OPEN_RECALL),
        refused=await _pile(
            connection, "quarantine", "quarantined_at", "quarantined_at > now() - make_interval(hours => $1)",
            status_hours,
        ),
        quarantine=tuple(await backlog(connection, broker_org)),
    )  # fmt: skip


async def _referrals(connection: Connection) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for row in await connection.fetch(_REFERRALS):
        counted[whole(map(NeedState, row["states"]))] += row["count"]
    return dict(sorted(counted.items()))


async def clock_state(connection: Connection) -> Clock:
    """How the clocks fare, by itself."""
    row = await connection.fetchrow(
        "SELECT extract(epoch FROM clock_timestamp() - ticked_at)::bigint AS silent_seconds,"
        " extract(epoch FROM clock_timestamp() - held_at)::bigint AS held_seconds, held_step_seconds FROM clock_tick"
    )
    assert row is not None
    return Clock(**dict(row))


async def _escalations(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT level, count(*) AS count FROM escalation WHERE taken_at > now() - make_interval(hours => $1)"
        " GROUP BY level ORDER BY level",
        status_hours,
    )
    return {row["level"]: row["count"] for row in rows}


async def _outbox(connection: Connection) -> Pile:
    """A message has no time of its own; it was decided when its envelope says."""
    row = await connection.fetchrow(
        "SELECT count(*) AS count, coalesce(max(extract(epoch FROM clock_timestamp()"
        " - (attributes->>'time')::timestamptz)), 0)::bigint AS oldest_seconds FROM outbox"
    )
    assert row is not None
    return Pile(**dict(row))


async def _pile(connection: Connection, table: str, since: str, where: str, *arguments: Any) -> Pile:
    row = await connection.fetchrow(
        f"SELECT count(*) AS count, coalesce(max(extract(epoch FROM clock_timestamp() - {since})), 0)::bigint"  # noqa: S608  names of our own
        f" AS oldest_seconds FROM {table} WHERE {where}",
        *arguments,
    )
    assert row is not None
    return Pile(**dict(row))
