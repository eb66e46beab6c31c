"""Erases a referral: asked by one role, approved by another, announced in the log, and only then deleted.

Whatever dies in between, the next turn of `erase` goes on: an erasure is a row until the last text is gone. Keys and
ciphertexts go once it is approved, whoever still owes an answer; what tells of an open recall waits for that, or for
two people who close it (broker/store/closing.py), but for a court's order. Texts and rows go when the announcement is
sealed. What deletes texts is a function of the database that deletes only what a sealed entry names (migration 0020).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from broker import limits
from broker.domain import lifecycle
from broker.domain.shredding import Served
from broker.schemas.ids import OrgId, new_uuid4
from broker.schemas.vocabulary import NeedState
from broker.sql.bulk import Connection
from broker.store.closing import UNANSWERED
from broker.store.public_counts import keep_counts
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.errors import ErasureNotShared, ErasureTooEarly, ErasureUnknown


class ErasureBasis(StrEnum):
    """Why something may be erased."""

    RETENTION = "RETENTION"
    """It was kept as long as its schedule says; no human asks."""
    SURVIVOR_ASKED = "SURVIVOR_ASKED"
    SOURCE_SCHEDULE = "SOURCE_SCHEDULE"
    """The source's own rule is over."""
    LAW = "LAW"
    COURT_ORDER = "COURT_ORDER"
    MADE_IN_ERROR = "MADE_IN_ERROR"


@dataclass(frozen=True, slots=True)
class ErasureLine:
    """How far an erasure is; times are UTC. `texts` are gone by it."""

    erasure_id: str
    referral_id: str | None
    basis: str
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    texts: int
    finished_at: datetime | None
    waits_for: str | None
    """ANSWERS where a recall or a review is open: keys and ciphertexts are gone, and the rest goes after that."""


OPEN_STATES: Final = [state.value for state in NeedState if not lifecycle.is_terminal(lifecycle.NEED, state)]
"""A need in one of these may still disclose, or is still being served."""

_ENDED: Final = """
    EXISTS (SELECT FROM referral WHERE referral_id = {referral})
    AND NOT EXISTS (SELECT FROM need n WHERE n.referral_id = {referral} AND n.state = ANY({states}::text[]))
    AND NOT EXISTS (
        SELECT FROM disclosure d JOIN consent c ON c.consent_id = d.consent_id AND c.version = d.consent_version
        WHERE d.referral_id = {referral} AND (c.record #>> '{{validity,notAfter}}')::timestamptz > now()
        AND NOT EXISTS (SELECT FROM recall k WHERE k.offer_id = d.offer_id)
    )
"""
"""Nothing of it is open, and nobody holds a copy under a release that a survivor could still take back: after the
erasure nobody here could tell them."""
ERASABLE: Final = f"{_ENDED} AND {UNANSWERED}"
"""And nobody owes an answer any more: to a recall, of an emergency's review."""

_OPENS: Final = ("early_keys", "wrapped_key", "sealed_group")
"""What opens, and what is opened by it: goes as soon as the erasure is approved, keys first."""
_SEALED: Final = (*_OPENS, "outbox")
"""What goes with the announcement at the latest."""
_ROWS: Final = (
    *_SEALED,
    *("consent_use", "disclosure", "recall", "escalation", "break_glass", "closing", "work_item", "offer", "need"),
    "referral",
)
"""Every table that knows a referral."""
SCRUBBED: Final = (*_ROWS, "consent", "erasure", "trail_entry")
"""The tables whose files still hold what was deleted, until they are written anew (docs/trail.md)."""

_LOCK: Final = "SELECT FROM referral WHERE referral_id = $1 FOR UPDATE"
"""Whoever works on the referral has ended then, and nobody begins before it is gone."""
_WAITING: Final = f"""
SELECT * FROM erasure WHERE approved_at IS NOT NULL AND finished_at IS NULL AND entry_idx IS NULL
    AND referral_id IS NOT NULL AND (texts > 0 OR ({_ENDED.format(referral="erasure.referral_id", states="$2")}
        AND (basis = '{ErasureBasis.COURT_ORDER}' OR ({UNANSWERED.format(referral="erasure.referral_id")}))))
ORDER BY approved_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608  names of our own
"""A court's order waits for nobody's answer."""
_STILL_OPENS: Final = f"""
SELECT referral_id FROM erasure WHERE approved_at IS NOT NULL AND finished_at IS NULL AND entry_idx IS NULL
    AND ({" OR ".join(f"EXISTS (SELECT FROM {table} o WHERE o.referral_id = erasure.referral_id)" for table in _OPENS)})
    AND {_ENDED.format(referral="erasure.referral_id", states="$2")}
ORDER BY approved_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608  names of our own
_LISTED: Final = f"""
SELECT *, CASE WHEN finished_at IS NULL AND referral_id IS NOT NULL AND texts = 0 AND entry_idx IS NULL
    AND basis <> '{ErasureBasis.COURT_ORDER}' AND NOT ({UNANSWERED.format(referral="erasure.referral_id")})
    THEN 'ANSWERS' END AS waits_for FROM erasure ORDER BY requested_at DESC
"""  # noqa: S608  names of our own
_TEXTS: Final = """
SELECT l.idx FROM trail_entry e LEFT JOIN log_entry l ON l.entry_idx = e.idx WHERE e.referral_id = $1
ORDER BY e.idx DESC
"""
"""The newest first: a content's text goes with its step's, which stands before it, or before."""
_ANNOUNCED: Final = """
SELECT e.erasure_id, e.referral_id, e.entry_idx FROM erasure e JOIN log_entry l ON l.entry_idx = e.entry_idx
WHERE e.finished_at IS NULL ORDER BY e.entry_idx LIMIT $1 FOR UPDATE OF e SKIP LOCKED
"""


async def request_erasure(connection: Connection, referral: str, basis: ErasureBasis, by: str) -> str:
    """Ask for the erasure of a referral, in the caller's transaction; returns its id. Nothing is erased yet.

    An answer that is owed to a recall does not stand against it: `waits_for` says that the rest waits for that.

    Raises:
        ErasureTooEarly: a need is open, or a copy was not asked back; or there is no such referral.
    """
    condition = _ENDED.format(referral="$1", states="$2")
    if not await connection.fetchval(f"SELECT {condition}", referral, OPEN_STATES):
        raise ErasureTooEarly
    erasure = f"ers-{new_uuid4()}"
    made = await connection.execute(
        "INSERT INTO erasure (erasure_id, referral_id, basis, requested_by, requested_at)"
        " VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING",
        *(erasure, referral, basis.value, by),
    )
    if made == "INSERT 0 0":
        raise ErasureTooEarly("Its erasure has been asked for already.", remedy="`handoff retention list` has it.")
    await _tell(connection, Step.ERASURE_REQUESTED, {"actor": by, "erasure": erasure, "basis": basis})
    return erasure


async def approve_erasure(connection: Connection, erasure: str, by: str) -> None:
    """Approve it in another role, in the caller's transaction: from now on it goes by itself, and cannot be undone.

    Raises:
        ErasureUnknown: there is none, or it was approved.
        ErasureNotShared: the same role asked for it.
    """
    row = await connection.fetchrow(
        "SELECT requested_by, basis FROM erasure WHERE erasure_id = $1 AND approved_at IS NULL FOR UPDATE", erasure
    )
    if row is None:
        raise ErasureUnknown
    if row["requested_by"] == by:
        raise ErasureNotShared
    await connection.execute(
        "UPDATE erasure SET approved_by = $2, approved_at = now() WHERE erasure_id = $1", erasure, by
    )
    await _tell(connection, Step.ERASURE_APPROVED, {"actor": by, "erasure": erasure, "basis": row["basis"]})


async def erase(connection: Connection, broker_org: OrgId) -> int:
    """Take every approved erasure one step further, in the caller's transaction; returns how many moved."""
    moved = 0
    for row in await connection.fetch(_ANNOUNCED, limits.erasures_at_once_max):
        await _delete(connection, row)
        moved += 1
    for row in await connection.fetch(_WAITING, limits.erasures_at_once_max, OPEN_STATES):
        moved += await _announce(connection, row, broker_org)
    for row in await connection.fetch(_STILL_OPENS, limits.erasures_at_once_max, OPEN_STATES):
        await _destroy_keys(connection, row["referral_id"], broker_org)
        moved += 1
    return moved


async def listed_erasures(connection: Connection) -> list[ErasureLine]:
    """All that were asked for, the newest first."""
    rows = await connection.fetch(_LISTED)
    return [ErasureLine(**{name: row[name] for name in ErasureLine.__slots__}) for row in rows]


async def announce(connection: Connection, row: Mapping[str, Any], places: Sequence[int], broker_org: OrgId) -> None:
    """The erasure leaf: which places of the log lose their texts, on which basis, and who approved it."""
    number = await _tell(
        connection,
        Step.TEXTS_ERASED,
        {
            "actor": broker_org,
            "erasure": row["erasure_id"],
            "entries": list(places),
            "basis": row["basis"],
            "requester": row["requested_by"],
            "approver": row["approved_by"],
        },
    )
    await connection.execute("UPDATE erasure SET entry_idx = $2 WHERE erasure_id = $1", row["erasure_id"], number)


async def _announce(connection: Connection, row: Mapping[str, Any], broker_org: OrgId) -> bool:
    """Declare a referral's texts erased; returns False while some are not sealed yet: they have no place to name."""
    referral = row["referral_id"]
    await connection.execute(_LOCK, referral)
    places = [text["idx"] for text in await connection.fetch(_TEXTS, referral)]
    if None in places:
        return False
    await _delete_rows(connection, _SEALED, referral)
    if not places:
        await _finished(connection, row["erasure_id"])
        return True
    await announce(connection, row, places[: limits.texts_erased_at_once_max], broker_org)
    return True


async def _destroy_keys(connection: Connection, referral: str, broker_org: OrgId) -> None:
    """What a survivor has a right to see destroyed waits for no recipient's answer."""
    await connection.execute(_LOCK, referral)
    gone = [
        await connection.fetch(f"SELECT field_group FROM {table} WHERE referral_id = $1", referral)  # noqa: S608
        for table in ("wrapped_key", "sealed_group")
    ]
    await _delete_rows(connection, _OPENS, referral)
    keys, ciphertexts = (sorted({row["field_group"] for row in rows}) for rows in gone)
    facts = {
        "at": await connection.fetchval("SELECT now()"),
        "actor": broker_org,
        "keys": keys,
        "ciphertexts": ciphertexts,
        "because": [Served.ERASED],
    }
    await add_entry(connection, entry(Step.PAYLOAD_SHREDDED, referral, facts, fresh_salt()))


async def _delete(connection: Connection, row: Mapping[str, Any]) -> None:
    """What was announced and is sealed goes. Texts that were written meanwhile are announced at the next turn."""
    await connection.execute(_LOCK, row["referral_id"])
    if row["referral_id"] is not None:
        await keep_counts(connection, row["referral_id"])  # Before the texts go: they say when it was answered.
    gone = await connection.fetchval("SELECT erase_texts($1)", row["entry_idx"])
    await connection.execute(
        "UPDATE erasure SET texts = texts + $2, entry_idx = NULL WHERE erasure_id = $1", row["erasure_id"], gone
    )
    referral = row["referral_id"]
    if referral is not None:
        await _delete_rows(connection, _ROWS, referral)
    if referral is None or not await connection.fetch(_TEXTS, referral):
        await _finished(connection, row["erasure_id"])


async def _finished(connection: Connection, erasure: str) -> None:
    """Of the referral not even the id is left."""
    await connection.execute(
        "UPDATE erasure SET finished_at = now(), referral_id = NULL WHERE erasure_id = $1", erasure
    )


async def _delete_rows(connection: Connection, tables: Sequence[str], referral: str) -> None:
    for table in tables:
        await connection.execute(f"DELETE FROM {table} WHERE referral_id = $1", referral)  # noqa: S608


async def _tell(connection: Connection, step: Step, facts: Mapping[str, object]) -> int:
    """An entry that names no referral: it outlives the erasure."""
    now = await connection.fetchval("SELECT now()")
    return await add_entry(connection, entry(step, None, {"at": now, **facts}, fresh_salt()))
