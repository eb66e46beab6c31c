"""The clocks' own row: when one last ticked, and whether deadlines are held because the database's clock stepped."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from broker.domain.work_list import Waiting
from broker.limits import clock_noted_seconds
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import Priority
from broker.sql.bulk import Connection
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt

NETWORK: Final = "network"
"""Stands for the referral where something of the network itself waits for a human."""
CLOCK: Final = "CLOCK"


@dataclass(frozen=True, slots=True)
class Tick:
    """How the clocks fare. Times are the database's, UTC."""

    ticked_at: datetime | None
    held_at: datetime | None
    held_step_seconds: float | None


async def last_tick(connection: Connection) -> Tick:
    """The row."""
    row = await connection.fetchrow("SELECT ticked_at, held_at, held_step_seconds FROM clock_tick")
    assert row is not None
    return Tick(**dict(row))


async def note_tick(connection: Connection, known: Tick, now: datetime) -> None:
    """Note that a clock runs, where that was not noted a moment ago. After a step back it is noted at once."""
    before = known.ticked_at
    if before is None or not timedelta(0) <= now - before < timedelta(seconds=clock_noted_seconds):
        await connection.execute("UPDATE clock_tick SET ticked_at = $1", now)


async def open_deadlines(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many deadlines have passed at `now`, and how many there are."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE due_at <= $1) AS passed, count(*) AS known FROM need WHERE due_at IS NOT NULL",
        now,
    )
    assert row is not None
    return row["passed"], row["known"]


async def hold(connection: Connection, now: datetime, step_seconds: float, owner: OrgId) -> bool:
    """Hold every deadline, and put that before a human; False where another clock has done so."""
    async with connection.transaction():
        done = await connection.execute(
            "UPDATE clock_tick SET held_at = $1, held_step_seconds = $2, released_by = NULL WHERE held_at IS NULL",
            now,
            step_seconds,
        )
        if done == "UPDATE 0":
            return False
        await connection.execute(
            "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            *(str(uuid4()), NETWORK, CLOCK, Waiting.CLOCK_HELD, owner, Priority.P0, now),
        )
        facts = {"at": now, "actor": owner, "stepSeconds": round(step_seconds)}
        await add_entry(connection, entry(Step.CLOCK_HELD, None, facts, fresh_salt()))
    return True


async def hold_anew(connection: Connection, now: datetime, step_seconds: float) -> None:
    """It stepped again while it is held: only from now on can it run evenly."""
    await connection.execute(
        "UPDATE clock_tick SET held_at = $1, held_step_seconds = $2 WHERE held_at IS NOT NULL", now, step_seconds
    )


async def release(connection: Connection, now: datetime, by: str, why: str) -> bool:
    """Let deadlines be worked again; False where none are held. An entry of the trail says who and why."""
    async with connection.transaction():
        done = await connection.execute(
            "UPDATE clock_tick SET held_at = NULL, held_step_seconds = NULL, released_by = $1"
            " WHERE held_at IS NOT NULL",
            by,
        )
        if done == "UPDATE 0":
            return False
        await connection.execute(
            "UPDATE work_item SET resolved_at = $1, resolved_by = $2 WHERE referral_id = $3 AND reason = $4"
            " AND resolved_at IS NULL",
            *(now, by, NETWORK, Waiting.CLOCK_HELD),
        )
        facts = {"at": now, "actor": by, "why": why}
        await add_entry(connection, entry(Step.CLOCK_RELEASED, None, facts, fresh_salt()))
    return True
