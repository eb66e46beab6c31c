"""Clinics and hospitals: care that is needed now, an examination that cannot wait; no clinical record travels here."""

from typing import ClassVar

from adapters import words
from adapters.kind import REASONS_OF_ANYONE, KindPolicy, ProviderKind, groups
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeclineReason, Outcome, RecipientCategory, Service


class Healthcare(ProviderKind):
    """A clinic, a hospital or a forensic nurse programme."""

    POLICY: ClassVar[KindPolicy] = KindPolicy(
        category=RecipientCategory.HEALTHCARE,
        services=frozenset(
            {Service.MEDICAL_CARE, Service.FORENSIC_EXAM, Service.STRANGULATION_ASSESSMENT, Service.MENTAL_HEALTH}
        ),
        needs=groups("FG00 FG02 FG03 FG04 FG07a FG17 FG23"),
        may_ask=groups("FG01 FG05 FG06 FG07c FG09 FG10 FG12 FG20 FG22 FG24"),
        single_use=groups(""),
        decline_reasons=REASONS_OF_ANYONE | {DeclineReason.NEEDS_HIGHER_CARE},
        outcomes=frozenset(
            {
                Outcome.MEDICAL_CARE_RECEIVED,
                Outcome.FORENSIC_EXAM_DONE,
                Outcome.SAFETY_PLAN_MADE,
                Outcome.INFO_ONLY,
                Outcome.UNMET,
            }
        ),
        units=frozenset({CapacityUnit.APPOINTMENT}),
    )

    def facts(self, offer: OfferMade) -> tuple[words.Fact, ...]:
        """Which care and how soon, then access and language."""
        return words.known(
            ("Asked for", words.services(offer.services)),
            ("When", words.urgency(offer.need_summary)),
            ("For", words.household(offer.need_summary)),
            ("Must allow for", words.access_needs(offer.access_needs)),
            ("Language", words.language(offer.access_needs)),
            ("Area", words.place(offer)),
            ("Call back", words.call_back(offer)),
        )
