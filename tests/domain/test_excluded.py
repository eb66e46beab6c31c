"""What a release excludes is in no offer, however the release names it."""

from datetime import UTC, datetime

import pytest

from broker.domain.excluded import without_excluded
from broker.schemas.ids import new_offer_id
from broker.schemas.offer_made import OfferMade

OFFER = OfferMade.model_validate(
    {
        **OfferMade.EXAMPLE,
        "offerId": new_offer_id(),
        "answerBy": datetime(2026, 3, 4, 2, tzinfo=UTC),
        "needSummary": {"adults": 1, "children": 2, "safeTonight": False},
        "accessNeeds": {"preferredLanguage": "es", "petTypes": ["dog"], "interpreter": True},
        "jurisdictionCode": "US-CA",
        "area": "US-CA-001",
        "workerContact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100", "unit": "DV-2"},
    }
)


@pytest.mark.parametrize("path", ["accessNeeds.petTypes", "FG02.petTypes"])
def test_an_excluded_property_is_left_out_and_the_rest_is_told(path: str) -> None:
    """By the group's name or by its code."""
    told = without_excluded(OFFER, (path,))
    assert OFFER.access_needs is not None
    assert told == OFFER.model_copy(update={"access_needs": OFFER.access_needs.model_copy(update={"pet_types": ()})})


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("needSummary", "need_summary"),
        ("FG02", "access_needs"),
        ("jurisdiction.jurisdictionCode", "jurisdiction_code"),
        ("FG07b", "area"),
        ("workerContact.callback", "worker_contact"),
    ],
)
def test_a_group_goes_whole_where_it_is_named_or_cannot_be_without(path: str, gone: str) -> None:
    """A worker without a number is nobody to call: less is told, never more."""
    assert without_excluded(OFFER, (path,)) == OFFER.model_copy(update={gone: None})


def test_every_property_of_the_need_can_be_left_out() -> None:
    """Also those that a request must have."""
    told = without_excluded(OFFER, ("needSummary.adults", "FG01.children", "FG01.safeTonight"))
    assert told.need_summary is not None
    assert told.need_summary.model_dump(exclude_defaults=True) == {}


def test_what_is_not_named_stays() -> None:
    """A path to another group, or to nothing, changes nothing."""
    assert without_excluded(OFFER, ("legalIdentity.legalFamilyName", "FG99.x", "adults")) == OFFER
