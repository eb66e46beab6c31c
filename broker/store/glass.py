"""Emergencies as rows: read for referrals that have any, and whose reviews are overdue."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from broker.handlers.cases import BreakGlass
from broker.handlers.desk import Desk
from broker.schemas.break_glass_vocabulary import (
    BreakGlassBasis,
    BreakGlassId,
    BreakGlassReason,
    ReviewOutcome,
    SubjectInformed,
)
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.vocabulary import RecipientCategory
from broker.sql.bulk import Connection


async def load_glass(connection: Connection, desk: Desk) -> None:
    """Lay the emergencies of the desk's referrals on it; no query where none of them has any."""
    having = [name for name, referral in desk.referrals.items() if referral.broken_glass]
    if not having:
        return
    for row in await connection.fetch("SELECT * FROM break_glass WHERE referral_id = ANY($1::text[])", having):
        glass = _glass(row)
        desk.referrals[glass.referral_id].glass[glass.break_glass_id] = glass


async def load_overdue(connection: Connection, desk: Desk, sources: Iterable[OrgId]) -> None:
    """Which of these sources can break no glass, because a review of theirs is overdue."""
    rows = await connection.fetch(
        "SELECT DISTINCT source FROM break_glass WHERE overdue AND outcome IS NULL AND source = ANY($1::text[])",
        list(sources),
    )
    desk.reviews_overdue.update(OrgId(row["source"]) for row in rows)


async def listed_glass(connection: Connection, weeks: int) -> list[dict[str, Any]]:
    """The emergencies of so many weeks, newest first, with what is owed of each in a word."""
    rows = await connection.fetch(
        "SELECT break_glass_id, referral_id, category, source, recipient, reason, invoked_at, expires_at, due_at,"
        " outcome, CASE WHEN outcome IS NOT NULL THEN 'reviewed: ' || outcome WHEN overdue THEN 'REVIEW OVERDUE'"
        " WHEN void THEN 'not approved; review' WHEN approved_by IS NULL THEN 'approval' ELSE 'review' END AS owed"
        " FROM break_glass WHERE invoked_at > now() - make_interval(weeks => $1) ORDER BY invoked_at DESC",
        weeks,
    )
    return [dict(row) for row in rows]


def _glass(row: Mapping[str, Any]) -> BreakGlass:
    return BreakGlass(
        break_glass_id=BreakGlassId(row["break_glass_id"]),
        referral_id=ReferralId(row["referral_id"]),
        category=RecipientCategory(row["category"]),
        source=OrgId(row["source"]),
        recipient=OrgId(row["recipient"]),
        groups=frozenset(map(FieldGroup, from_json(row["groups"]))),
        reason=BreakGlassReason(row["reason"]),
        basis=BreakGlassBasis(row["basis"]),
        invoked_by=row["invoked_by"],
        narrative_ref=row["narrative_ref"],
        invoked_at=row["invoked_at"],
        expires_at=row["expires_at"],
        approve_by=row["approve_by"],
        review_by=row["review_by"],
        due_at=row["due_at"],
        subject_informed=SubjectInformed(row["subject_informed"]),
        approved_by=row["approved_by"],
        void=row["void"],
        overdue=row["overdue"],
        outcome=None if row["outcome"] is None else ReviewOutcome(row["outcome"]),
        reviewed_by=row["reviewed_by"],
    )
