"""What people ask the store: the story of a referral, the work that waits for a human.

Nothing here can be searched by person; there is nothing by which it could be.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from broker.sql.bulk import Connection
from broker.trail.entries import Entry, Step, commitment, entry


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One entry of the trail, opened. `facts` are the entry's own words; times are UTC."""

    idx: int
    kind: str
    at: datetime
    facts: dict[str, Any]
    sound: bool
    """Whether the text still fits its commitment."""


@dataclass(frozen=True, slots=True)
class WorkLine:
    """One thing that waits for a human."""

    work_id: str
    referral_id: str
    category: str
    reason: str
    owner: str
    priority: str
    raised_at: datetime


async def trail_of(
    connection: Connection, referral_id: str, reader: str, salt: bytes, reason: str | None = None
) -> list[TrailLine]:
    """The entries of a referral in order. Reading them is an entry itself, written in the same transaction.

    `reason` is the code that the reader gave for reading, if one was asked for.
    """
    rows = await connection.fetch(
        "SELECT idx, kind, salt, preimage, commitment, written_at FROM trail_entry WHERE referral_id = $1 ORDER BY idx",
        referral_id,
    )
    if rows:
        now = await connection.fetchval("SELECT now()")
        facts = {"at": now, "actor": reader, "entries": len(rows), "reason": reason}
        read = entry(Step.TRAIL_READ, referral_id, facts, salt)
        await add_entry(connection, read)
    return [
        TrailLine(
            idx=row["idx"],
            kind=row["kind"],
            at=row["written_at"],
            facts=from_json(row["preimage"]),
            sound=commitment(row["kind"], row["preimage"], row["salt"]) == row["commitment"],
        )
        for row in rows
    ]


async def add_entry(connection: Connection, told: Entry) -> None:
    """Write one entry of the trail, in the caller's transaction."""
    await connection.execute(
        "INSERT INTO trail_entry (kind, referral_id, salt, preimage, commitment) VALUES ($1, $2, $3, $4, $5)",
        told.kind.value,
        told.referral_id,
        told.salt,
        told.preimage,
        told.commitment,
    )


async def open_work(connection: Connection) -> list[WorkLine]:
    """What waits for a human, the most urgent and oldest first."""
    rows = await connection.fetch(
        "SELECT work_id, referral_id, category, reason, owner, priority, raised_at FROM work_item"
        " WHERE resolved_at IS NULL ORDER BY priority, raised_at"
    )
    return [WorkLine(**dict(row)) for row in rows]


async def resolve_work(connection: Connection, work_id: str, actor: str, salt: bytes) -> bool:
    """Close a work item; False where it is unknown or closed already. An entry of the trail says who."""
    row = await connection.fetchrow(
        "UPDATE work_item SET resolved_at = now() WHERE work_id = $1 AND resolved_at IS NULL"
        " RETURNING referral_id, category, reason, resolved_at",
        work_id,
    )
    if row is None:
        return False
    facts = {"at": row["resolved_at"], "actor": actor, "need": row["category"], "reason": row["reason"]}
    told = entry(Step.WORK_RESOLVED, row["referral_id"], facts, salt)
    await add_entry(connection, told)
    return True
