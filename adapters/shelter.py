"""Shelters: a safe place tonight. Who comes, with whom, with which animals; never a full name before intake."""

from typing import ClassVar

from adapters import words
from adapters.kind import REASONS_OF_ANYONE, KindPolicy, ProviderKind, groups
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeclineReason, Outcome, RecipientCategory, Service


class Shelter(ProviderKind):
    """A shelter, or whoever places people in safe hotels."""

    POLICY: ClassVar[KindPolicy] = KindPolicy(
        category=RecipientCategory.SHELTER,
        services=frozenset(
            {
                Service.EMERGENCY_SHELTER,
                Service.SAFE_HOTEL,
                Service.TRANSITIONAL_HOUSING,
                Service.PET_FOSTER,
                Service.TRANSPORT,
            }
        ),
        needs=groups("FG00 FG01 FG02 FG03 FG04 FG07a FG07b FG10 FG23"),
        may_ask=groups("FG06 FG07c FG08 FG09 FG12 FG17 FG21 FG24"),
        single_use=groups("FG14"),
        decline_reasons=REASONS_OF_ANYONE
        | {
            DeclineReason.NO_CAPACITY_BEDS,
            DeclineReason.HOUSEHOLD_TOO_LARGE,
            DeclineReason.CANNOT_ACCOMMODATE_PET,
            DeclineReason.NEEDS_HIGHER_CARE,
            DeclineReason.UNSAFE_PROXIMITY,
            DeclineReason.RESIDENT_CONFLICT,
            DeclineReason.LOCATION_COMPROMISED,
        },
        outcomes=frozenset(
            {
                Outcome.SHELTERED,
                Outcome.SAFE_HOTEL_PROVIDED,
                Outcome.TRANSPORTED,
                Outcome.PET_PLACED,
                Outcome.SAFETY_PLAN_MADE,
                Outcome.INFO_ONLY,
                Outcome.UNMET,
            }
        ),
        units=frozenset(
            {CapacityUnit.SINGLE_ROOM, CapacityUnit.FAMILY_UNIT, CapacityUnit.CRIB, CapacityUnit.ACCESSIBLE_UNIT}
        ),
    )

    def facts(self, offer: OfferMade) -> tuple[words.Fact, ...]:
        """Who needs a place and how soon, then what the place must allow for."""
        return words.known(
            ("For", words.household(offer.need_summary)),
            ("When", words.urgency(offer.need_summary)),
            ("Asked for", words.services(offer.services)),
            ("Must allow for", words.access_needs(offer.access_needs)),
            ("Language", words.language(offer.access_needs)),
            ("Area", words.place(offer)),
            ("Call back", words.call_back(offer)),
        )
