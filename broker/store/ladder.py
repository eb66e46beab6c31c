"""What a clock needs to climb: steps that were taken, needs that a human was given, and what humans have decided."""

from collections.abc import Sequence

import asyncpg

from broker.handlers.cases import Escalation, NextAction, Unmet
from broker.handlers.desk import Desk
from broker.schemas.ids import OfferId, ReferralId
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, RecipientCategory
from broker.sql.bulk import Connection


async def load_ladder(connection: Connection, desk: Desk, due: Sequence[asyncpg.Record]) -> None:
    """Lay it on the desk for the needs that are due; their referrals are locked and lie there already."""
    if not due:
        return
    ids = list({row["referral_id"] for row in due})
    for row in await connection.fetch("SELECT * FROM escalation WHERE referral_id = ANY($1::text[])", ids):
        taken = Escalation(
            referral_id=ReferralId(row["referral_id"]),
            category=RecipientCategory(row["category"]),
            offer_id=OfferId(row["offer_id"]),
            level=EscalationLevel(row["level"]),
            owed=Acknowledgment(row["owed"]),
        )
        desk.referrals[taken.referral_id].escalated[taken] = row["due_at"]
    for row in await connection.fetch(
        "SELECT referral_id, category FROM work_item WHERE referral_id = ANY($1::text[])"
        " AND resolved_at IS NULL AND assigned_to IS NOT NULL",
        ids,
    ):
        referral = desk.referrals[ReferralId(row["referral_id"])]
        referral.assigned |= {RecipientCategory(row["category"])}
    if closing := [row["referral_id"] for row in due if row["next_action"] == NextAction.CLOSE_UNMET]:
        await _load_unmet(connection, desk, closing)


async def _load_unmet(connection: Connection, desk: Desk, referrals: Sequence[str]) -> None:
    """The newest word counts."""
    for row in await connection.fetch(
        "SELECT referral_id, category, unmet_reason, resolved_by FROM work_item"
        " WHERE referral_id = ANY($1::text[]) AND unmet_reason IS NOT NULL ORDER BY resolved_at",
        referrals,
    ):
        category = RecipientCategory(row["category"])
        desk.referrals[ReferralId(row["referral_id"])].unmet[category] = Unmet(row["unmet_reason"], row["resolved_by"])
