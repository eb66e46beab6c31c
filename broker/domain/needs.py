"""What a request for help comes to: the needs that follow from its services, and the field groups that it carries.

Asked by the broker when it takes a referral in, and by the source before it seals anything: one answer for both.
"""

from typing import Final

from broker.schemas.field_groups import FieldGroup
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.vocabulary import SERVICE_CATEGORY, Priority, RecipientCategory, Service

ALWAYS: Final = frozenset(FieldGroup(code) for code in ("FG00", "FG01", "FG02", "FG07a", "FG24"))
"""The groups that every request carries in the clear."""


def groups_of(request: ReferralRequested) -> frozenset[FieldGroup]:
    """Every field group that the request carries, clear or sealed."""
    present = {group.field_group for group in request.sealed}
    if request.area is not None:
        present.add(FieldGroup("FG07b"))
    if request.worker_contact is not None:
        present.add(FieldGroup("FG23"))
    return ALWAYS | present


def services_by_category(request: ReferralRequested) -> dict[RecipientCategory, tuple[Service, ...]]:
    """The services asked of each kind of provider; a medical need now asks for care by itself (domain.md §14 row 6)."""
    needs: dict[RecipientCategory, tuple[Service, ...]] = {}
    for service in request.services:
        category = SERVICE_CATEGORY[service]
        needs[category] = (*needs.get(category, ()), service)
    if request.medical_facility_need:
        needs.setdefault(RecipientCategory.HEALTHCARE, (Service.MEDICAL_CARE,))
    return needs


def services_possible(request: ReferralRequested) -> dict[RecipientCategory, tuple[Service, ...]]:
    """The same, and care where the request names an incident: somebody hurt there makes a need of its own."""
    needs = services_by_category(request)
    if request.incident_id is not None:
        needs.setdefault(RecipientCategory.HEALTHCARE, (Service.MEDICAL_CARE,))
    return needs


def priorities_by_category(request: ReferralRequested) -> dict[RecipientCategory, Priority]:
    """How urgent each kind of help is for which the request says so; any other is as urgent as the referral."""
    return {one.category: one.priority for one in request.urgency}
