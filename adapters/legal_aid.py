"""Legal aid: advice, protection orders, custody; a conflict of interest is checked once and its names are destroyed."""

from typing import ClassVar

from adapters import words
from adapters.kind import REASONS_OF_ANYONE, KindPolicy, ProviderKind, groups
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeclineReason, Outcome, RecipientCategory, Service


class LegalAid(ProviderKind):
    """A legal-aid office."""

    POLICY: ClassVar[KindPolicy] = KindPolicy(
        category=RecipientCategory.LEGAL_AID,
        services=frozenset(
            {
                Service.LEGAL_ADVICE,
                Service.PROTECTION_ORDER_HELP,
                Service.CUSTODY_FAMILY_LAW,
                Service.IMMIGRATION_LEGAL,
                Service.COURT_ACCOMPANIMENT,
                Service.ACP_ENROLMENT,
            }
        ),
        needs=groups("FG00 FG02 FG03 FG04 FG07a FG07b FG16 FG20 FG23"),
        may_ask=groups("FG01 FG05 FG09 FG10 FG12 FG13 FG21 FG22 FG24"),
        single_use=groups("FG14"),
        decline_reasons=REASONS_OF_ANYONE
        | {
            DeclineReason.CONFLICT_OF_INTEREST,
            DeclineReason.OVER_INCOME,
            DeclineReason.CASE_TYPE_NOT_HANDLED,
            DeclineReason.DEADLINE_TOO_SOON,
        },
        outcomes=frozenset(
            {
                Outcome.LEGAL_ADVICE_GIVEN,
                Outcome.ORDER_PETITION_FILED,
                Outcome.ORDER_GRANTED,
                Outcome.REPRESENTED,
                Outcome.INFO_ONLY,
                Outcome.UNMET,
            }
        ),
        units=frozenset({CapacityUnit.APPOINTMENT, CapacityUnit.CASELOAD}),
    )

    def facts(self, offer: OfferMade) -> tuple[words.Fact, ...]:
        """Which help and by when, then the venue: courts are local."""
        return words.known(
            ("Asked for", words.services(offer.services)),
            ("When", words.urgency(offer.need_summary)),
            ("Venue", words.place(offer)),
            ("Language", words.language(offer.access_needs)),
            ("Must allow for", words.access_needs(offer.access_needs)),
            ("Call back", words.call_back(offer)),
        )
