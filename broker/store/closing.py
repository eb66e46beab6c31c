"""Waits no longer for an answer that never comes: asked by one role, agreed by another, each an entry of the trail.

A recipient that was reminded and says nothing of what it was asked to give up, a source that never reviews its
emergency: what they hold open would hold a survivor's erasure for ever. What is closed here is not answered: it stays
among what is owed (`handoff audit overdue`) until it is erased, and an answer that comes after all counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broker.domain.work_list import Resolution
from broker.handlers.breaking_glass import UNREVIEWED
from broker.handlers.recalling import OVERDUE
from broker.schemas.code_list import CodeList
from broker.schemas.ids import new_uuid4
from broker.sql.bulk import Connection
from broker.store import work
from broker.store.questions import add_entry, note_reading
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.errors import ClosingNotShared, ClosingTooEarly, ClosingUnknown


class ClosingReason(CodeList):
    """Why nothing is waited for any more."""

    NO_ANSWER = "NO_ANSWER"
    """It was called as well, and does not say."""
    ORGANISATION_GONE = "ORGANISATION_GONE"
    """Nobody is left who could."""
    ANSWER_REFUSED = "ANSWER_REFUSED"
    """It says that it will not say."""
    TOLD_OTHERWISE = "TOLD_OTHERWISE"
    """It told a human, and its system sends no event of it."""


class Closed(CodeList):
    """What stands in the place of the answer."""

    UNCONFIRMED = "UNCONFIRMED"
    """Nobody knows what became of what was handed over."""
    UNREVIEWED = "UNREVIEWED"
    """Nobody knows whether the emergency was one."""


_OUTCOME: Final = {OVERDUE: Closed.UNCONFIRMED, UNREVIEWED: Closed.UNREVIEWED}

GIVEN_UP: Final = "EXISTS (SELECT FROM closing k WHERE k.name = {name} AND k.approved_at > {since})"
"""Whether two people have agreed since then that no answer is waited for: what is asked anew is waited for anew."""
UNANSWERED: Final = f"""
    NOT EXISTS (SELECT FROM recall c WHERE c.referral_id = {{referral}} AND c.outcome IS NULL
        AND NOT {GIVEN_UP.format(name="c.offer_id", since="c.asked_at")})
    AND NOT EXISTS (SELECT FROM break_glass b WHERE b.referral_id = {{referral}} AND b.outcome IS NULL
        AND NOT {GIVEN_UP.format(name="b.break_glass_id", since="b.invoked_at")})
"""  # noqa: S608  names of our own
"""Nothing is waited for of a referral: every recipient has answered, every emergency is reviewed, or it was closed."""

_OPEN: Final = f"""
SELECT c.offer_id AS name, '{OVERDUE}' AS owed, c.referral_id, o.category AS need, o.provider AS by,
    c.changed_at AS since FROM recall c JOIN offer o USING (offer_id)
WHERE c.outcome IS NULL AND c.reminded AND c.due_at IS NULL
    AND NOT {GIVEN_UP.format(name="c.offer_id", since="c.asked_at")}
UNION ALL
SELECT b.break_glass_id, '{UNREVIEWED}', b.referral_id, b.category, b.source, b.review_by FROM break_glass b
WHERE b.outcome IS NULL AND b.overdue
    AND NOT {GIVEN_UP.format(name="b.break_glass_id", since="b.invoked_at")}
"""  # noqa: S608  names of our own
_ONE: Final = f"SELECT * FROM ({_OPEN}) AS open WHERE name = $1"  # noqa: S608
_LISTED: Final = f"""
SELECT open.*, k.closing_id AS closing, k.reason, k.requested_by FROM ({_OPEN}) AS open
LEFT JOIN closing k ON k.name = open.name AND k.approved_at IS NULL ORDER BY since, name
"""  # noqa: S608
_LOCK: Final = "SELECT FROM referral WHERE referral_id = $1 FOR UPDATE"
_ITEM: Final = (
    "SELECT work_id FROM work_item WHERE referral_id = $1 AND category = $2 AND reason = $3 AND resolved_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What is waited for after its last deadline: an offer's recall or an emergency's review, and who owes it (UTC)."""

    name: str
    owed: str
    referral_id: str
    need: str
    by: str
    since: datetime
    closing: str | None
    reason: str | None
    requested_by: str | None


async def unanswered(connection: Connection, reader: str) -> list[Unanswered]:
    """All of it for somebody who is shown it, which is an entry, in the caller's transaction; the oldest first."""
    lines = [Unanswered(**dict(row)) for row in await connection.fetch(_LISTED)]
    await note_reading(connection, reader, "unanswered", (line.referral_id for line in lines))
    return lines


async def request_closing(connection: Connection, name: str, reason: ClosingReason, by: str) -> str:
    """Ask to wait no longer for the answer of this name, in the caller's transaction; returns the closing's id.

    Raises:
        ClosingTooEarly: it is not open, its last deadline has not passed, or somebody has asked already.
    """
    row = await connection.fetchrow(_ONE, name)
    if row is None:
        raise ClosingTooEarly
    closing = f"cls-{new_uuid4()}"
    made = await connection.execute(
        "INSERT INTO closing (closing_id, name, owed, referral_id, reason, requested_by, requested_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT DO NOTHING",
        *(closing, name, row["owed"], row["referral_id"], reason.value, by),
    )
    if made == "INSERT 0 0":
        raise ClosingTooEarly("Somebody has asked for it already.", remedy="`handoff unanswered list` has it.")
    await _tell(connection, Step.CLOSING_REQUESTED, row, by, closing, reason.value)
    return closing


async def approve_closing(connection: Connection, closing: str, by: str) -> Closed:
    """Agree to it in another role, in the caller's transaction; returns what stands in the place of the answer.

    Raises:
        ClosingUnknown: there is none, it was agreed to, or the answer has come.
        ClosingNotShared: the same role asked for it.
    """
    asked = await connection.fetchrow("SELECT * FROM closing WHERE closing_id = $1 AND approved_at IS NULL", closing)
    if asked is None:
        raise ClosingUnknown
    if asked["requested_by"] == by:
        raise ClosingNotShared
    await connection.execute(_LOCK, asked["referral_id"])
    row = await connection.fetchrow(_ONE, asked["name"])
    made = await connection.execute(
        "UPDATE closing SET approved_by = $2, approved_at = clock_timestamp() WHERE closing_id = $1"
        " AND approved_at IS NULL",
        *(closing, by),
    )
    if row is None or made == "UPDATE 0":
        raise ClosingUnknown
    await _tell(connection, Step.CLOSING_APPROVED, row, by, closing, asked["reason"])
    await _off_the_list(connection, row, by)
    return _OUTCOME[row["owed"]]


async def _off_the_list(connection: Connection, row: Mapping[str, Any], by: str) -> None:
    """Nobody has to look at it any more, unless another of the same need is waited for."""
    others = f"SELECT FROM ({_OPEN}) AS open WHERE referral_id = $1 AND need = $2 AND owed = $3"
    about = row["referral_id"], row["need"], row["owed"]
    if not await connection.fetch(others, *about):
        for item in await connection.fetch(_ITEM, *about):
            await work.resolve(connection, item["work_id"], by, Resolution.HANDLED, override=True)


async def _tell(connection: Connection, step: Step, row: Mapping[str, Any], by: str, closing: str, reason: str) -> None:
    facts = {
        "at": await connection.fetchval("SELECT now()"),
        "actor": by,
        "closing": closing,
        "need": row["need"],
        "owed": row["owed"],
        "by": row["by"],
        "about": row["name"],
        "outcome": _OUTCOME[row["owed"]],
        "reason": reason,
    }
    await add_entry(connection, entry(step, row["referral_id"], facts, fresh_salt()))
