"""For which purpose something is shared: it follows from the kind of provider and the services asked for (§4.2)."""

from collections.abc import Sequence
from typing import Final

from broker.schemas.vocabulary import Purpose, RecipientCategory, Service

_PURPOSE: Final[dict[RecipientCategory, Purpose]] = {
    RecipientCategory.SHELTER: Purpose.SHELTER_PLACEMENT,
    RecipientCategory.COUNSELING: Purpose.COUNSELING,
    RecipientCategory.LEGAL_AID: Purpose.LEGAL_ADVICE,
    RecipientCategory.HEALTHCARE: Purpose.MEDICAL_FOLLOW_UP,
    RecipientCategory.ADVOCACY: Purpose.ADVOCACY_OUTREACH,
    RecipientCategory.AUDITOR: Purpose.CASE_CONFERENCE,
    RecipientCategory.SOURCE_FEEDBACK: Purpose.STATUS_FEEDBACK,
}
"""The purpose where the services asked for say nothing more special."""

_SPECIAL: Final[dict[tuple[RecipientCategory, Service], Purpose]] = {
    (RecipientCategory.LEGAL_AID, Service.PROTECTION_ORDER_HELP): Purpose.PROTECTION_ORDER,
    (RecipientCategory.HEALTHCARE, Service.FORENSIC_EXAM): Purpose.FORENSIC_EXAM,
    (RecipientCategory.SHELTER, Service.TRANSPORT): Purpose.TRANSPORT,
}


def purpose_for(category: RecipientCategory, services: Sequence[Service]) -> Purpose:
    """The purpose of a need: the special one where every service asked of this kind of provider has it.

    A mixed need keeps the general purpose, so that a survivor's narrow release never serves for the rest.
    """
    special = {_SPECIAL.get((category, service)) for service in services}
    only = special.pop() if len(special) == 1 else None
    return only or _PURPOSE[category]
