"""What a release excludes is in no offer, however the release names it."""

from datetime import UTC, datetime

import pytest

from broker.domain import group_sets
from broker.domain.excluded import exposed, without_excluded
from broker.schemas.clear_groups import WorkerContact
from broker.schemas.field_groups import fields_named
from broker.schemas.ids import new_offer_id
from broker.schemas.offer_made import OfferMade
from tests.domain.cast import groups

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


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("personHandle.pronouns", {("FG04", "pronouns")}),
        ("FG04.pronouns", {("FG04", "pronouns")}),
        ("$.personHandle.pronouns", {("FG04", "pronouns")}),
        ("$.FG04", {("FG04",)}),
        ("FG25", {("FG25",)}),
        ("FG07", {("FG07a",), ("FG07b",), ("FG07c",), ("FG07d",), ("FG07e",)}),
        ("FG07.area", {("FG07b", "area")}),
        *(
            (path, {("FG09", "children", "schoolDistrictCode")})
            for path in (
                "children.children.schoolDistrictCode",
                "children.children[].schoolDistrictCode",
                "$.FG09.children[*].schoolDistrictCode",
            )
        ),
        ("workerContact.backup.callback", {("FG23", "backup", "callback")}),
        *(
            (nothing, set())
            for nothing in (
                *("personHandle.pronoun", "person_handle.pronouns", "PersonHandle", "FG04.pronouns.x", "FG99"),
                *("children.schoolDistrictCode", "FG01.services", "pronouns", "", "$", "$.", "FG04."),
            )
        ),
    ],
)
def test_a_path_names_groups_and_properties_or_nothing(path: str, named: set[tuple[str, ...]]) -> None:
    """domain.md §4.2: JSON paths from a group's name or code; every property that the models have, and no other."""
    assert {(group, *steps) for group, steps in fields_named(path)} == named


def test_the_backups_number_can_be_left_out() -> None:
    """A property inside a property; where the backup has no number it is none, and the group goes whole."""
    contact = {**WorkerContact.EXAMPLE, "backup": {"role": "OFFICER", "callback": "+15555550101"}}
    offer = OFFER.model_copy(update={"worker_contact": WorkerContact.model_validate(contact)})
    assert without_excluded(offer, ("workerContact.backup.callback",)).worker_contact is None
    told = without_excluded(offer, ("workerContact.backup",)).worker_contact
    assert told is not None
    assert told.backup is None


@pytest.mark.parametrize(
    ("excluded", "sealed_without", "stays"),
    [
        (["personHandle.pronouns"], [], "FG04"),
        (["personHandle.pronouns"], ["$.FG04.pronouns"], None),
        (["personHandle.pronouns", "FG03.handle"], ["FG04.pronouns"], "FG03"),
        (["FG09.children[].alias"], ["children.children"], None),
        (["children.children"], ["FG09.children[].alias"], "FG09"),
        (["FG04"], ["FG04"], "FG04"),
        (["accessNeeds.petTypes", "FG02"], [], None),
        (["nobody.knows"], [], None),
    ],
)
def test_a_group_sealed_with_what_is_excluded_since_stays_whole(
    excluded: list[str], sealed_without: list[str], stays: str | None
) -> None:
    """VAWA-07: the broker cannot open it, so it cannot leave a part of it out; clear groups it can."""
    assert exposed(excluded, sealed_without) == group_sets.mask([] if stays is None else groups(stays))


def test_what_is_not_named_stays() -> None:
    """A path to another group, or to nothing, changes nothing."""
    assert without_excluded(OFFER, ("legalIdentity.legalFamilyName", "FG99.x", "adults")) == OFFER
