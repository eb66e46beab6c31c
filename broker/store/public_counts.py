"""What a quarter's public figures are counted from: the referrals that are there, and numbers alone of those that went.

A victim service provider's referrals are erased a month after their end, before their quarter is over. As each goes, it
is added to the counts of its quarter, which say nothing else; and these go as soon as the quarter has been told.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from broker.domain.quarters import Quarter
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

CELLS: Final[Mapping[str, tuple[str, ...]]] = {
    "kinds": tuple(map(str, KINDS)),
    "urgencies": tuple(map(str, Priority)),
    "times": (*map(str, WITHIN_MINUTES), LATER, NEVER),
    "deadlines": (IN_TIME, TOO_LATE),
}
"""The figures: needs by kind of help and by urgency, answers of providers by time and by deadline."""

Counts = Counter[tuple[str, str, str]]
"""So many by quarter, figure and cell."""

_ANSWERS: Final = [OfferState.ACCEPTED, OfferState.DECLINED, OfferState.WAITLISTED]
_NEEDS: Final = (
    "SELECT n.category, n.priority, r.received_at AS at FROM need n JOIN referral r USING (referral_id) WHERE"
)
_OFFERS: Final = (
    "SELECT o.made_at AS at, o.answer_by, o.state,"
    " min(t.written_at) FILTER (WHERE t.told ->> 'to' = ANY($1::text[])) AS said"
    " FROM offer o LEFT JOIN LATERAL (SELECT written_at, convert_from(preimage, 'UTF8')::jsonb AS told FROM trail_entry"
    " WHERE referral_id = o.referral_id AND kind = $2) t ON t.told ->> 'offer' = o.offer_id WHERE"
)
_KEEP: Final = """
INSERT INTO erased_count (quarter, figure, cell, count)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS k (quarter, figure, cell, count)
WHERE NOT EXISTS (SELECT FROM public_report p WHERE p.quarter = k.quarter)
ON CONFLICT (quarter, figure, cell) DO UPDATE SET count = erased_count.count + excluded.count
"""


async def keep_counts(connection: Connection, referral: str) -> None:
    """Add a referral whose rows are about to go to the counts of its quarter, unless that has been told already."""
    needs = await connection.fetch(f"{_NEEDS} r.referral_id = $1", referral)
    offers = await connection.fetch(
        f"{_OFFERS} o.referral_id = $3 GROUP BY o.offer_id", _ANSWERS, Step.OFFER_MOVED.value, referral
    )
    found = sorted((_of_needs(needs) + _of_offers(offers)).items())
    columns = [*zip(*(key for key, _ in found), strict=True)] or [(), (), ()]
    await connection.execute(_KEEP, *columns, [count for _, count in found])


async def counts_of(connection: Connection, quarter: Quarter) -> dict[str, dict[str, int]]:
    """The figures of a quarter, in the caller's transaction; what was kept of erased referrals is deleted with it.

    Meanwhile no other referral is erased, so that none is counted twice or not at all.
    """
    await connection.execute("LOCK TABLE erased_count IN SHARE ROW EXCLUSIVE MODE")
    times = (quarter.begins, quarter.ends)
    needs = await connection.fetch(f"{_NEEDS} r.received_at >= $1 AND r.received_at < $2", *times)
    offers = await connection.fetch(
        f"{_OFFERS} o.made_at >= $3 AND o.made_at < $4 GROUP BY o.offer_id",
        *(_ANSWERS, Step.OFFER_MOVED.value, *times),
    )
    erased = await connection.fetch("DELETE FROM erased_count WHERE quarter = $1 RETURNING *", str(quarter))
    counts = _of_needs(needs) + _of_offers(offers)
    counts.update({(row["quarter"], row["figure"], row["cell"]): row["count"] for row in erased})
    return {figure: {cell: counts[(str(quarter), figure, cell)] for cell in cells} for figure, cells in CELLS.items()}


def _of_needs(rows: Iterable[Mapping[str, Any]]) -> Counts:
    counts: Counts = Counter()
    for row in rows:
        quarter = str(Quarter.of(row["at"]))
        counts.update([(quarter, "kinds", row["category"]), (quarter, "urgencies", row["priority"])])
    return counts


def _of_offers(rows: Iterable[Mapping[str, Any]]) -> Counts:
    counts: Counts = Counter()
    for row in rows:
        if row["said"] is None and row["state"] != OfferState.EXPIRED:
            continue  # Another provider was quicker, or it is still open: nobody owed an answer.
        quarter = str(Quarter.of(row["at"]))
        in_time = row["said"] is not None and row["said"] <= row["answer_by"]
        counts.update([(quarter, "times", _wait(row["at"], row["said"]))])
        counts.update([(quarter, "deadlines", IN_TIME if in_time else TOO_LATE)])
    return counts


def _wait(made_at: datetime, said: datetime | None) -> str:
    if said is None:
        return NEVER
    return next((str(most) for most in WITHIN_MINUTES if said - made_at <= timedelta(minutes=most)), LATER)
