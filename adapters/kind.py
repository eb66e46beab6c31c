"""What a kind of provider is: what it answers for, what it may receive, and which answers it may give.

A kind is one file with one subclass of `ProviderKind`; `kinds()` finds it by its being there. The field groups are the
kind's column of the minimum-necessary table (domain.md §7.4); the decline reasons are its families of domain.md §10.5.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import ClassVar, Final

from adapters.words import Fact
from broker.schemas.capacity_updated import CapacityUnit, CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.contact_attempted import ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.field_groups import FieldGroup
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.refusal import RefusalCode
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineReason, Outcome, RecipientCategory, Service

EVERY_ANSWER: Final = frozenset[type[EventData]](
    {
        OfferReceipted,
        OfferAccepted,
        OfferDeclined,
        OfferWaitlisted,
        ContactAttempted,
        ContactMade,
        ContactUnreachable,
        HandoffStarted,
        HandoffCompleted,
        HandoffFailed,
        ServiceStarted,
        ServiceCompleted,
        ServiceEnded,
        RevocationAcknowledged,
        CapacityUpdated,
        ConsentGranted,
        ConsentNarrowed,
        ConsentRevoked,
    }
)
"""What a provider can say at all (domain.md §8), a survivor's release to it included."""

REASONS_OF_ANYONE: Final = frozenset(
    {
        DeclineReason.NO_CAPACITY_STAFF,
        DeclineReason.NO_FUNDING,
        DeclineReason.WAITLIST_ONLY,
        DeclineReason.NOT_ELIGIBLE_AREA,
        DeclineReason.NOT_ELIGIBLE_AGE,
        DeclineReason.CANNOT_ACCOMMODATE_ACCESS,
        DeclineReason.LANGUAGE_UNAVAILABLE,
        DeclineReason.SERVICE_NOT_OFFERED,
        DeclineReason.STAFF_CONFLICT,
        DeclineReason.INCOMPLETE_REFERRAL,
        DeclineReason.DUPLICATE,
        DeclineReason.CONSENT_INSUFFICIENT,
        DeclineReason.UNSAFE_CONTACT_DETAILS,
        DeclineReason.OUTSIDE_HOURS,
        DeclineReason.SYSTEM_UNAVAILABLE,
    }
)
"""The decline reasons that say nothing about beds, residents or legal cases (domain.md §10.5)."""


def groups(codes: str) -> frozenset[FieldGroup]:
    """Field groups from their codes with blanks between them."""
    return frozenset(map(FieldGroup, codes.split()))


@dataclass(frozen=True, slots=True)
class KindPolicy:
    """The literal policy of one kind of provider."""

    category: RecipientCategory
    services: frozenset[Service]
    needs: frozenset[FieldGroup]
    """Required to process a referral (R of domain.md §7.4)."""
    may_ask: frozenset[FieldGroup]
    """Allowed where the consent reaches it (o)."""
    single_use: frozenset[FieldGroup]
    """Opened for one check, then destroyed (1)."""
    decline_reasons: frozenset[DeclineReason]
    outcomes: frozenset[Outcome]
    units: frozenset[CapacityUnit]
    answers: frozenset[type[EventData]] = EVERY_ANSWER

    @property
    def may_hold(self) -> frozenset[FieldGroup]:
        """Every group that this kind may be given at all."""
        return self.needs | self.may_ask | self.single_use


class ProviderKind(ABC):
    """One kind of provider: its policy, and how an offer reads to its people."""

    POLICY: ClassVar[KindPolicy]

    @abstractmethod
    def facts(self, offer: OfferMade) -> tuple[Fact, ...]:
        """An offer in plain words, the most decisive fact first. Never a name: an offer has none."""

    def summarise(self, offer: OfferMade) -> tuple[str, ...]:
        """The same as lines for a terminal."""
        return tuple(f"{label}: {told}" for label, told in self.facts(offer))

    @classmethod
    def refusal_of(cls, answer: EventData) -> tuple[RefusalCode, str] | None:
        """Why this kind does not give this answer, with the property's wire name; None where it does."""
        policy = cls.POLICY
        if type(answer) not in policy.answers:
            return RefusalCode.ANSWER_NOT_OFFERED, "type"
        match answer:
            case OfferDeclined(reason=reason) if reason not in policy.decline_reasons:
                return RefusalCode.ANSWER_NOT_OFFERED, "reason"
            case ServiceStarted(service=service) if service not in policy.services:
                return RefusalCode.ANSWER_NOT_OFFERED, "service"
            case ServiceCompleted(outcome=outcome) if outcome not in policy.outcomes:
                return RefusalCode.ANSWER_NOT_OFFERED, "outcome"
            case CapacityUpdated(service=service) if service not in policy.services:
                return RefusalCode.ANSWER_NOT_OFFERED, "service"
            case CapacityUpdated(unit=unit) if unit not in policy.units:
                return RefusalCode.ANSWER_NOT_OFFERED, "unit"
        return None


@cache
def kinds() -> Mapping[RecipientCategory, ProviderKind]:
    """Every kind of provider by its category, found by walking this package."""
    import adapters as package

    found: dict[RecipientCategory, ProviderKind] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg):
        for value in vars(importlib.import_module(f"{package.__name__}.{name}")).values():
            if isinstance(value, type) and issubclass(value, ProviderKind) and "POLICY" in vars(value):
                found[value.POLICY.category] = value()
    return MappingProxyType(found)
