"""Answers that came before one that must precede them: kept as rows until that one has come, or it never can.

A system that publishes its answers hears no refusal, and they may overtake each other. None is lost by it: each is
given, by the time at which it was said, in the transaction of the answer that it waited for; one that can never be
given is written down for people to see (reliability.md F17).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters import tables
from adapters.errors import AnswerNotPossible
from adapters.tables import table
from broker import limits
from broker.schemas.event import EventData, events
from broker.schemas.ids import EventId, OfferId, OrgId
from broker.schemas.refusal import RefusalCode
from broker.sql.bulk import Connection, Pool, insert

_COLUMNS = ("org_id", "event_id", "offer_id", "type", "value", "said_at", "came_at")

_KNOWN: Final = (
    "SELECT event_id, offer_id, type, value FROM early_answer WHERE org_id = $1 AND (offer_id = $2 OR event_id = $3)"
)
_WAITING: Final = (
    "SELECT event_id, type, value, said_at, came_at < clock_timestamp() - make_interval(hours => $3) AS given_up"
    " FROM early_answer WHERE org_id = $1 AND offer_id = $2 ORDER BY said_at, event_id"
)
_GONE: Final = "DELETE FROM early_answer WHERE org_id = $1 AND event_id = $2"
_LOOKED_AT: Final = "SELECT org_id, offer_id FROM early_answer GROUP BY org_id, offer_id ORDER BY min(came_at) LIMIT $1"
_CAME_LATE: Final = (
    "INSERT INTO late_answer (org_id, offer_id, type, code, times, first_at, last_at)"
    " VALUES ($1, $2, $3, $4, 1, clock_timestamp(), clock_timestamp()) ON CONFLICT (org_id, offer_id, type, code)"
    " DO UPDATE SET times = late_answer.times + 1, last_at = excluded.last_at"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One answer that waits. `given_up`: it has waited as long as any does."""

    event_id: EventId
    fact: EventData
    given_up: bool


async def keep(
    connection: Connection, org: OrgId, offer_id: OfferId, fact: EventData, event_id: EventId, said_at: datetime
) -> bool:
    """Let it wait, in the caller's transaction, which holds the offer. False where too many wait for that offer.

    Raises:
        AnswerNotPossible: another answer waits under this id.
    """
    rows = await connection.fetch(_KNOWN, org, offer_id, event_id)
    same = next((row for row in rows if row["event_id"] == event_id), None)
    if same is not None and (same["offer_id"], same["type"], same["value"]) != (offer_id, fact.TYPE, fact.wire()):
        raise AnswerNotPossible(RefusalCode.ID_REUSED)
    if same is None and len(rows) < limits.early_answers_each_offer_max:
        now = await connection.fetchval("SELECT clock_timestamp()")
        row = (org, event_id, offer_id, fact.TYPE, fact.wire(), said_at, now)
        await insert(connection, table(tables.EarlyAnswer), _COLUMNS, [row])
        return True
    return same is not None


async def waiting(connection: Connection, org: OrgId, offer_id: OfferId) -> list[Waiting]:
    """What waits for an offer, in the order in which it was said."""
    rows = await connection.fetch(_WAITING, org, offer_id, limits.early_answer_hours)
    return [_waiting(row) for row in rows]


async def gone(connection: Connection, org: OrgId, event_id: EventId) -> None:
    """It waits no more."""
    await connection.execute(_GONE, org, event_id)


async def looked_at(pool: Pool) -> list[tuple[OrgId, OfferId]]:
    """The offers for which something waits, whatever has waited longest first."""
    return [(row["org_id"], row["offer_id"]) for row in await pool.fetch(_LOOKED_AT, limits.offers_forgotten_max)]


async def write_down(
    connection: Connection | Pool, org: OrgId, offer_id: OfferId, fact: EventData, code: RefusalCode
) -> None:
    """That an answer came and was not taken, by which code: nobody may think that nobody answered."""
    await connection.execute(_CAME_LATE, org, offer_id, fact.TYPE, code.value)


def _waiting(row: Any) -> Waiting:
    return Waiting(EventId(row["event_id"]), events()[row["type"]].read(row["value"]), row["given_up"])
