"""Where the step that an event caused stands in the log: what its publisher keeps to show later that it was entered.

An entry is sealed a moment after its transaction, so an answer that leaves with the transaction cannot say its place;
it is asked for then, by the event's id.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from broker.schemas.ids import EventId, OrgId
from broker.sql.bulk import Connection

_FIRST: Final = """
SELECT l.idx, l.commitment FROM trail_entry e LEFT JOIN log_entry l ON l.entry_idx = e.idx
WHERE e.written_at BETWEEN $1 AND $2 AND position($3 IN e.preimage) > 0 ORDER BY e.idx LIMIT 1
"""
_WAITED: Final = (timedelta(seconds=2), timedelta(minutes=10))
"""How long before the broker decided of an event its transaction may have begun: as a rule a moment, and long where it
waited for another. An index by time makes the first look short (migration 0018)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The first entry that an event caused: its place in the log, and what the log holds there (base64)."""

    index: int
    entry: str


async def receipt_of(connection: Connection, org: OrgId, event_id: EventId, decided_at: datetime) -> Receipt | None:
    """The receipt of an organisation's event that the broker decided of then; None until that is sealed."""
    about = orjson.dumps({"actor": org, "cause": event_id})[1:-1]
    for waited in _WAITED:
        row = await connection.fetchrow(_FIRST, decided_at - waited, decided_at, about)
        if row is not None:
            return None if row["idx"] is None else Receipt(row["idx"], b64encode(row["commitment"]).decode())
    return None
