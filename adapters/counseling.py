"""Counselling services: somebody to talk to, soon and in the right language; beds and legal cases are not theirs."""

from typing import ClassVar

from adapters import words
from adapters.kind import REASONS_OF_ANYONE, KindPolicy, ProviderKind, groups
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeclineReason, Outcome, RecipientCategory, Service


class Counseling(ProviderKind):
    """A counselling or advocacy service."""

    POLICY: ClassVar[KindPolicy] = KindPolicy(
        category=RecipientCategory.COUNSELING,
        services=frozenset(
            {
                Service.SAFETY_PLANNING,
                Service.CRISIS_COUNSELING,
                Service.INDIVIDUAL_COUNSELING,
                Service.GROUP_COUNSELING,
                Service.CHILD_COUNSELING,
                Service.RELOCATION_FUNDS,
                Service.CVC_APPLICATION,
                Service.TECH_SAFETY,
                Service.INTERPRETER,
            }
        ),
        needs=groups("FG00 FG02 FG03 FG04 FG07a FG23"),
        may_ask=groups("FG01 FG06 FG09 FG10 FG12 FG20 FG24"),
        single_use=groups(""),
        decline_reasons=REASONS_OF_ANYONE | {DeclineReason.NEEDS_HIGHER_CARE},
        outcomes=frozenset({Outcome.COUNSELING_STARTED, Outcome.SAFETY_PLAN_MADE, Outcome.INFO_ONLY, Outcome.UNMET}),
        units=frozenset({CapacityUnit.APPOINTMENT, CapacityUnit.CASELOAD}),
    )

    def facts(self, offer: OfferMade) -> tuple[words.Fact, ...]:
        """Which help, in which language, how soon."""
        return words.known(
            ("Asked for", words.services(offer.services)),
            ("Language", words.language(offer.access_needs)),
            ("When", words.urgency(offer.need_summary)),
            ("For", words.household(offer.need_summary)),
            ("Must allow for", words.access_needs(offer.access_needs)),
            ("Area", words.place(offer)),
            ("Call back", words.call_back(offer)),
        )
