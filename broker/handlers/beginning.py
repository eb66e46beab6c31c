"""A need begins with its own urgency, and ends by it: by when somebody must have taken it on."""

from broker.domain.deadlines import deadline
from broker.handlers.cases import Need, Referral
from broker.handlers.desk import Desk
from broker.schemas.vocabulary import NeedState, Priority, RecipientCategory, Service


def new_need(
    desk: Desk,
    referral: Referral,
    category: RecipientCategory,
    services: tuple[Service, ...],
    priority: Priority | None = None,
) -> Need:
    """A need of this referral that begins now; as urgent as the referral where it has no `priority` of its own."""
    priority = priority or referral.priority
    expires_at = deadline(desk.pack_of(referral), "referral_expiry", priority, desk.now)
    return Need(
        referral.referral_id,
        category,
        NeedState.SUBMITTED,
        services,
        desk.now,
        priority=priority,
        expires_at=expires_at,
    )
