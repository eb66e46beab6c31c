"""What became of one event of an organisation, by the broker's own tables; another organisation's is not seen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.schemas.ids import EventId, OrgId
from broker.schemas.refusal import RefusalCode
from broker.sql.bulk import Connection
from broker.store import early
from broker.store.receipts import Receipt, receipt_of

_ACCEPTED: Final = "SELECT received_at FROM inbox WHERE org_id = $1 AND event_id = $2"
_REFUSED: Final = (
    "SELECT code, field, quarantined_at FROM quarantine WHERE org_id = $1 AND event_id = $2"
    " AND settled IS DISTINCT FROM 'RELEASED' ORDER BY quarantined_at, record_offset LIMIT $3"
)
REFUSALS_TOLD_MAX: Final = 10
"""An event that was sent wrongly more often is refused each time for one of these reasons."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record with the event's id was not taken in. Times are UTC."""

    code: RefusalCode
    field: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event. One that was accepted may have been refused before, or sent again with other content."""

    accepted_at: datetime | None
    refusals: tuple[Refusal, ...]
    held: bool
    """Its keys wait for the referral that they belong to."""
    receipt: Receipt | None
    """Where its acceptance, or else its last refusal, stands in the log; None until that is sealed."""


async def outcome_of(connection: Connection, org: OrgId, event_id: EventId, keys_topic: str | None) -> Outcome | None:
    """What is known of it; None where nothing is. `keys_topic` is the one on which the organisation publishes keys."""
    accepted_at = await connection.fetchval(_ACCEPTED, org, event_id)
    rows = await connection.fetch(_REFUSED, org, event_id, REFUSALS_TOLD_MAX)
    refusals = tuple(Refusal(RefusalCode(row["code"]), row["field"], row["quarantined_at"]) for row in rows)
    held = accepted_at is None and keys_topic is not None and await early.held(connection, keys_topic, event_id)
    if not (accepted_at or refusals or held):
        return None
    decided_at = accepted_at or (refusals[-1].at if refusals else None)
    receipt = None if decided_at is None else await receipt_of(connection, org, event_id, decided_at)
    return Outcome(accepted_at, refusals, held, receipt)
