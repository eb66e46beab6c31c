"""What the public is told of a quarter: counted once it is over, small counts held back, and never changed again.

A report that were counted anew each time would tell by its changes: 41 yesterday and 40 today is one person who has
been forgotten. So the first process that is asked stores it, as it may be told, and from then on that is the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_core import from_json, to_json

from broker.domain.quarters import Quarter, over
from broker.domain.small_cells import Published, published
from broker.limits import public_quarters_max, public_report_days
from broker.schemas.vocabulary import OfferState, Priority, RecipientCategory
from broker.sql.bulk import Connection
from broker.trail.entries import Step

KINDS: Final = tuple(
    kind for kind in RecipientCategory if kind not in (RecipientCategory.AUDITOR, RecipientCategory.SOURCE_FEEDBACK)
)
WITHIN_MINUTES: Final = (15, 60, 240, 1440)
LATER: Final = "later"
NEVER: Final = "never"
IN_TIME: Final = "in_time"
TOO_LATE: Final = "too_late"

_ANSWERS: Final = [OfferState.ACCEPTED, OfferState.DECLINED, OfferState.WAITLISTED]
_NEEDS: Final = (
    "SELECT n.category, n.priority, count(*) AS count FROM need n JOIN referral r USING (referral_id)"
    " WHERE r.received_at >= $1 AND r.received_at < $2 GROUP BY 1, 2"
)
_OFFERS: Final = (
    "SELECT o.made_at, o.answer_by, o.state, min(t.written_at) FILTER (WHERE t.told ->> 'to' = ANY($3::text[])) AS said"
    " FROM offer o LEFT JOIN LATERAL (SELECT written_at, convert_from(preimage, 'UTF8')::jsonb AS told FROM trail_entry"
    " WHERE referral_id = o.referral_id AND kind = $4) t ON t.told ->> 'offer' = o.offer_id"
    " WHERE o.made_at >= $1 AND o.made_at < $2 GROUP BY o.offer_id"
)


@dataclass(frozen=True, slots=True)
class Report:
    """One quarter in figures: needs by kind of help and by urgency, answers of providers by time and by deadline."""

    quarter: Quarter
    kinds: Published
    urgencies: Published
    times: Published
    deadlines: Published


async def reports(connection: Connection, now: datetime) -> list[Report]:
    """The reports of the latest quarters, the latest first; those that are due are stored meanwhile."""
    first = await connection.fetchval("SELECT min(activated_at) FROM policy_activation")
    if first is None:
        return []
    due = over(first, now - timedelta(days=public_report_days), public_quarters_max)
    return [await _report(connection, quarter) for quarter in due]


async def _report(connection: Connection, quarter: Quarter) -> Report:
    kept = await _kept(connection, quarter)
    if kept is None:
        await connection.execute(
            "INSERT INTO public_report (quarter, content) VALUES ($1, $2::jsonb) ON CONFLICT DO NOTHING",
            *(str(quarter), to_json(await _counted(connection, quarter)).decode()),
        )
        kept = await _kept(connection, quarter)  # Of two processes at once the first one's counts.
        assert kept is not None
    return kept


async def _kept(connection: Connection, quarter: Quarter) -> Report | None:
    text = await connection.fetchval("SELECT content::text FROM public_report WHERE quarter = $1", str(quarter))
    if text is None:
        return None
    told: Mapping[str, Mapping[str, Any]] = from_json(text)
    return Report(quarter, **{name: Published(one["cells"], one["total"]) for name, one in told.items()})


async def _counted(connection: Connection, quarter: Quarter) -> dict[str, dict[str, Any]]:
    """What may be told of a quarter; the counts themselves are not kept anywhere."""
    times = (quarter.begins, quarter.ends)
    kinds, urgencies = dict.fromkeys(map(str, KINDS), 0), dict.fromkeys(map(str, Priority), 0)
    for row in await connection.fetch(_NEEDS, *times):
        kinds[row["category"]] += row["count"]
        urgencies[row["priority"]] += row["count"]
    waits = {**{str(minutes): 0 for minutes in WITHIN_MINUTES}, LATER: 0, NEVER: 0}
    deadlines = {IN_TIME: 0, TOO_LATE: 0}
    for row in await connection.fetch(_OFFERS, *times, _ANSWERS, Step.OFFER_MOVED.value):
        if row["said"] is None and row["state"] != OfferState.EXPIRED:
            continue  # Another provider was quicker, or it is still open: nobody owed an answer.
        waits[_wait(row["made_at"], row["said"])] += 1
        deadlines[IN_TIME if row["said"] is not None and row["said"] <= row["answer_by"] else TOO_LATE] += 1
    told = (*published([kinds, urgencies]), *published([waits, deadlines]))
    names = ("kinds", "urgencies", "times", "deadlines")
    return {name: {"cells": dict(one.cells), "total": one.total} for name, one in zip(names, told, strict=True)}


def _wait(made_at: datetime, said: datetime | None) -> str:
    if said is None:
        return NEVER
    return next((str(most) for most in WITHIN_MINUTES if said - made_at <= timedelta(minutes=most)), LATER)
