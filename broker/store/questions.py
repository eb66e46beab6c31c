"""What people ask the store: the story of a referral.

Nothing here can be searched by person; there is nothing by which it could be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from broker.domain.whole import whole
from broker.schemas.vocabulary import NeedState
from broker.sql.bulk import Connection
from broker.trail.entries import Entry, Step, commitment, entry, fresh_salt


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One entry of the trail, opened. `facts` are the entry's own words; times are UTC."""

    idx: int
    kind: str
    at: datetime
    facts: dict[str, Any]
    sound: bool
    """Whether the text still fits its commitment in the log; what is not sealed yet has none."""
    place: int | None = None
    """Its place in the log, counted from 0; None while it is not sealed."""


async def trail_of(
    connection: Connection, referral_id: str, reader: str, salt: bytes, reason: str | None = None
) -> list[TrailLine]:
    """The entries of a referral in order. Reading them is an entry itself, written in the same transaction.

    What exactly left is opened to the two agencies alone, so it is not among them.

    `reason` is the code that the reader gave for reading, if one was asked for.
    """
    rows = await connection.fetch(
        "SELECT e.idx, e.kind, e.salt, e.preimage, l.idx AS place, l.commitment, e.written_at FROM trail_entry e"
        " LEFT JOIN log_entry l ON l.entry_idx = e.idx WHERE e.referral_id = $1 AND e.kind <> $2 ORDER BY e.idx",
        referral_id,
        Step.CONTENT.value,
    )
    if rows:
        now = await connection.fetchval("SELECT now()")
        facts = {"at": now, "actor": reader, "entries": len(rows), "reason": reason}
        read = entry(Step.TRAIL_READ, referral_id, facts, salt)
        await add_entry(connection, read)
    return [opened(row) for row in rows]


def opened(row: Mapping[str, Any]) -> TrailLine:
    """An entry of the trail, from its row and that of the log; one that cannot even be read was altered."""
    facts = _facts(row["preimage"])
    fits = row["commitment"] in (None, commitment(row["kind"], row["preimage"], row["salt"]))
    return TrailLine(
        idx=row["idx"],
        kind=row["kind"],
        at=row["written_at"],
        facts=facts or {},
        sound=facts is not None and fits,
        place=row["place"],
    )


def _facts(preimage: bytes) -> dict[str, Any] | None:
    try:
        facts = from_json(preimage)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


async def state_of(connection: Connection, referral_id: str) -> NeedState | None:
    """How a referral stands as a whole; None for an unknown one."""
    rows = await connection.fetch("SELECT state FROM need WHERE referral_id = $1", referral_id)
    return whole(NeedState(row["state"]) for row in rows) if rows else None


async def note_reading(connection: Connection, reader: str, what: str, referrals: Iterable[str]) -> None:
    """Enter that somebody is shown these referrals, and where. One alone has it in its own story."""
    shown = sorted(set(referrals))
    facts = {"at": await connection.fetchval("SELECT now()"), "actor": reader, "what": what, "referrals": shown}
    alone = shown[0] if len(shown) == 1 else None
    await add_entry(connection, entry(Step.RECORDS_READ, alone, facts, fresh_salt()))


async def note_export(connection: Connection, reader: str, party: str | None) -> None:
    """Enter that somebody takes the whole trail away, and for which agency: before any of it is written."""
    facts = {"at": await connection.fetchval("SELECT now()"), "actor": reader, "for": party}
    await add_entry(connection, entry(Step.TRAIL_EXPORTED, None, facts, fresh_salt()))


async def add_entry(connection: Connection, told: Entry) -> int:
    """Write one entry of the trail, in the caller's transaction; returns the number of its row."""
    number: int = await connection.fetchval(
        "INSERT INTO trail_entry (kind, referral_id, salt, preimage) VALUES ($1, $2, $3, $4) RETURNING idx",
        told.kind.value,
        told.referral_id,
        told.salt,
        told.preimage,
    )
    return number
