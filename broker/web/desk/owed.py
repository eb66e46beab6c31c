"""What is late, and who cannot be reached: with the item of the work list that somebody takes up.

GET  /overdue      confirmations that are owed and late
GET  /unreached    providers to which something could not be handed over, as their zones reported it
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from broker import limits
from broker.entry.rendering import page
from broker.look import locales
from broker.look.language import _
from broker.look.words import moment
from broker.schemas.delivery_failed import DeliveryFailure
from broker.store import auditing
from broker.store.asking import Asking
from broker.store.audit_rows import FailureRow, OverdueRow
from broker.store.work import Undelivered, WorkLine, open_work, undelivered
from broker.web.desk import words
from broker.web.desk.shown import named
from broker.web.desk.who import Worker

router = APIRouter()

_NOW: Final = "SELECT clock_timestamp()"
_RAISED_AS: Final = {"REVOCATION": "REVOCATION_UNANSWERED"}
"""For what a confirmation stands on the work list, where that has another name."""
FAILURES: Final[dict[str, str]] = {
    DeliveryFailure.NO_WAY: "No way of reaching it is open",
    DeliveryFailure.REFUSED: "Its own system does not take it",
    DeliveryFailure.TOO_LATE: "It did not arrive in time",
    "AFTER_ACCEPTANCE": "It had said yes, and what followed did not arrive",
}


@dataclass(frozen=True, slots=True)
class OwedShown:
    """A confirmation that is late, and the item that stands for it on the work list."""

    name: str
    what: str
    kind: str
    by: str
    age: str
    item: str | None


@dataclass(frozen=True, slots=True)
class UnreachedShown:
    """A provider, why it was not reached and how often, and the items that a human has of it."""

    recipient: str
    why: str
    times: str
    last: str
    with_human: Sequence[tuple[str, str]]


@router.get("/overdue")
async def overdue(who: Worker) -> Response:
    """The oldest first. Asking is an entry of the trail."""
    async with who.desk.pool.acquire() as connection, connection.transaction():
        found = await auditing.overdue(connection, Asking(who.by))
        lines = {(line.referral_id, line.category, line.reason): line for line in await open_work(connection)}
        now = await connection.fetchval(_NOW)
    rows = [_owed(row, lines, now) for row in found.rows[: limits.desk_rows_max]]
    return page("overdue.html", who, rows=rows, total=len(found.rows), now=now)


def _owed(row: OverdueRow, lines: dict[tuple[str, str, str], WorkLine], now: datetime) -> OwedShown:
    item = lines.get((row.referral, row.need, _RAISED_AS.get(row.owed, row.owed)))
    return OwedShown(
        name=named(row.referral),
        what=_(words.OWED[row.owed]),
        kind=words.kind(row.need),
        by=row.by or "—",
        age=words.ago(row.since, now),
        item=None if item is None else f"/worklist/{item.work_id}",
    )


@router.get("/unreached")
async def unreached(who: Worker) -> Response:
    """Whose endpoints fail, the most often first. Asking is an entry of the trail."""
    async with who.desk.pool.acquire() as connection, connection.transaction():
        now = await connection.fetchval(_NOW)
        since = now - timedelta(days=limits.desk_unreached_days)
        found = await auditing.failures(connection, Asking(who.by, since=since))
        items = await undelivered(connection)
    rows = [_unreached(row, [one for one in items if one.provider == row.recipient], now) for row in found.rows]
    return page("unreached.html", who, rows=rows, since=moment(since), now=now)


def _unreached(row: FailureRow, items: Sequence[Undelivered], now: datetime) -> UnreachedShown:
    return UnreachedShown(
        recipient=row.recipient,
        why=_(FAILURES.get(row.code, row.code.replace("_", " ").lower())),
        times=locales.number(row.times),
        last=words.ago(row.last, now),
        with_human=[(f"/worklist/{one.work_id}", named(one.referral_id)) for one in items],
    )
