"""Providers are chosen by the facts of the service, the age of their count and fairness; each choice is explained."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.consent import Decision, Effect, Obligations, Reason
from broker.domain.matching import Capacity, Match, NeedFacts, PassedOver, Provider, match
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.vocabulary import CapacityBucket, OrgClass, Priority, RecipientCategory, Service
from tests.domain.cast import NOW, pack

HOUR = timedelta(hours=1)
SHELTER_BED = frozenset({Service.EMERGENCY_SHELTER})

NEED = NeedFacts(
    referral_id=ReferralId("ref-1"),
    category=RecipientCategory.SHELTER,
    services=SHELTER_BED,
    jurisdiction="US-TX-113",
    area="US-48-113",
    household=3,
    language="es",
    interpreter=True,
    step_free=True,
    pets=("CAT",),
    priority=Priority.P1,
)

PERMIT = Decision(Effect.PERMIT, frozenset(), {}, None, ("§4.3",))
DENY = Decision(Effect.DENY, frozenset(), {}, Reason.RECIPIENT_NOT_NAMED, ("VAWA-05",))


def shelter(name: str, **changes: Any) -> Provider:
    """A shelter that fits the need."""
    fitting = Provider(
        org=OrgId(f"org-{name}"),
        org_class=OrgClass.VSP_SHELTER,
        category=RecipientCategory.SHELTER,
        services=SHELTER_BED | {Service.TRANSPORT},
        areas=frozenset({"US-48-113"}),
        languages=frozenset({"en", "es"}),
        interpreter=False,
    )
    return replace(fitting, **changes)


def beds(free: CapacityBucket, age: timedelta = HOUR) -> Capacity:
    """A count of this age."""
    return Capacity(free, NOW - age)


def run(
    *providers: Provider,
    need: NeedFacts = NEED,
    capacity: Mapping[str, Capacity] | None = None,
    already: frozenset[OrgId] = frozenset(),
    denied: frozenset[str] = frozenset(),
    count: int = 1,
    recent: Mapping[str, int] | None = None,
    decision: Decision = PERMIT,
) -> Match:
    """Match these shelters; every candidate not chosen must have a reason."""
    found = match(
        need,
        providers,
        {(OrgId(f"org-{name}"), Service.EMERGENCY_SHELTER): count for name, count in (capacity or {}).items()},
        already=already,
        permitted=lambda provider: DENY if provider.org in denied else decision,
        now=NOW,
        pack=pack(),
        count=count,
        recent_offers={OrgId(f"org-{name}"): number for name, number in (recent or {}).items()},
    )
    assert {provider.org for provider in found.chosen} | found.passed_over.keys() == {p.org for p in providers}
    assert not {provider.org for provider in found.chosen} & found.passed_over.keys()
    return found


def names(found: Match) -> list[str]:
    """The chosen ones in order, without the prefix."""
    return [provider.org.removeprefix("org-") for provider in found.chosen]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"active": False}, PassedOver.INACTIVE),
        ({"category": RecipientCategory.COUNSELING}, PassedOver.OTHER_KIND),
        ({"services": frozenset({Service.TRANSPORT})}, PassedOver.SERVICE_NOT_OFFERED),
        ({"areas": frozenset({"US-48-999"})}, PassedOver.NOT_ELIGIBLE_AREA),
        ({"step_free": False}, PassedOver.CANNOT_ACCOMMODATE_ACCESS),
        ({"accepts_pets": False}, PassedOver.CANNOT_ACCOMMODATE_PET),
        ({"household_max": 2}, PassedOver.HOUSEHOLD_TOO_LARGE),
        ({"languages": frozenset({"en"})}, PassedOver.LANGUAGE_UNAVAILABLE),
    ],
)
def test_a_hard_fact_that_does_not_fit_rules_a_provider_out_by_name(
    changes: dict[str, Any], reason: PassedOver
) -> None:
    """domain.md §11: service, area, access, household, language."""
    found = run(shelter("a", **changes), shelter("b"), count=3)
    assert names(found) == ["b"]
    assert found.passed_over == {OrgId("org-a"): reason}


@pytest.mark.parametrize(
    "changes",
    [
        {"areas": frozenset()},
        {"areas": frozenset({"US-TX"})},
        {"areas": frozenset({"US"})},
        {"areas": frozenset({"US-TX-113"})},
        {"household_max": 3},
        {"languages": frozenset({"en"}), "interpreter": True},
        {"languages": frozenset()},
    ],
)
def test_a_provider_that_serves_the_region_or_has_an_interpreter_fits(changes: dict[str, Any]) -> None:
    """A statewide service serves each county; no listed languages means that nobody listed them."""
    assert names(run(shelter("a", **changes))) == ["a"]


@pytest.mark.parametrize(
    ("area", "served", "fits"),
    [
        ("US-TX-113", {"US-TX-113"}, True),
        ("US-TX-113", {"US-TX"}, True),
        ("US-TX-113", {"US-TX-439"}, False),
        (None, {"US-TX-439"}, True),
        (None, {"US-CA-001"}, False),
        ("US-TX-113", {"US-TX-1"}, False),
    ],
)
def test_an_area_is_served_by_itself_or_by_a_region_around_it(area: str | None, served: set[str], fits: bool) -> None:
    """A county that nobody named rules no county's provider out; a neighbouring county does."""
    need = NEED._replace(jurisdiction="US-TX", area=area)
    found = run(shelter("a", areas=frozenset(served)), need=need)
    assert (names(found) == ["a"]) is fits


def test_who_has_been_asked_for_this_need_is_not_asked_again() -> None:
    """Declined, expired or still open: once is enough."""
    found = run(shelter("a"), shelter("b"), already=frozenset({OrgId("org-a")}), count=3)
    assert names(found) == ["b"]
    assert found.passed_over[OrgId("org-a")] is PassedOver.ALREADY_ASKED


def test_nobody_is_chosen_whom_the_gate_denies() -> None:
    """Never an unlisted recipient (lessons.md G7)."""
    found = run(shelter("a"), shelter("b"), denied=frozenset({"org-a"}), count=3)
    assert names(found) == ["b"]
    assert found.passed_over[OrgId("org-a")] is PassedOver.CONSENT


def test_a_full_house_is_passed_over_while_its_count_is_fresh() -> None:
    """No places, an hour ago."""
    found = run(shelter("a"), capacity={"a": beds(CapacityBucket.NONE)})
    assert found.passed_over == {OrgId("org-a"): PassedOver.NO_CAPACITY}


@pytest.mark.parametrize(("age", "chosen"), [(4 * HOUR, []), (4 * HOUR + timedelta(seconds=1), ["a"])])
def test_a_count_older_than_four_hours_says_nothing(age: timedelta, chosen: list[str]) -> None:
    """Stale means unknown: a full house of yesterday is asked again (G17)."""
    assert names(run(shelter("a"), capacity={"a": beds(CapacityBucket.NONE, age)})) == chosen


def test_fresh_places_come_first_many_before_few_and_the_unknown_last() -> None:
    """The order by capacity, whatever the fairness says."""
    capacity = {
        "few": beds(CapacityBucket.FEW),
        "some": beds(CapacityBucket.SOME),
        "stale": beds(CapacityBucket.SOME, 5 * HOUR),
    }
    recent = {"some": 9, "few": 5}
    found = run(shelter("stale"), shelter("few"), shelter("some"), capacity=capacity, recent=recent, count=3)
    assert names(found) == ["some", "few", "stale"]


def test_of_several_services_the_scarcest_counts() -> None:
    """A bed without the ride is not what was asked for."""
    need = NEED._replace(services=frozenset({Service.EMERGENCY_SHELTER, Service.TRANSPORT}))
    capacity = {
        (OrgId("org-a"), Service.EMERGENCY_SHELTER): beds(CapacityBucket.SOME),
        (OrgId("org-a"), Service.TRANSPORT): beds(CapacityBucket.NONE),
    }
    found = match(
        need,
        [shelter("a")],
        capacity,
        already=frozenset(),
        permitted=lambda _: PERMIT,
        now=NOW,
        pack=pack(),
        count=1,
        recent_offers={},
    )
    assert found.passed_over == {OrgId("org-a"): PassedOver.NO_CAPACITY}


def test_among_equals_the_one_asked_least_of_late_comes_first() -> None:
    """Equitable round: places being equal, whoever was asked less."""
    found = run(shelter("a"), shelter("b"), shelter("c"), recent={"a": 2, "b": 1, "c": 3}, count=2)
    assert names(found) == ["b", "a"]
    assert found.passed_over[OrgId("org-c")] is PassedOver.RANKED_LOWER


def test_no_provider_is_always_first_among_equals() -> None:
    """The fixed lot differs from referral to referral and comes out even."""
    first = {"a": 0, "b": 0, "c": 0}
    for number in range(600):
        need = NEED._replace(referral_id=ReferralId(f"ref-{number}"))
        first[names(run(shelter("a"), shelter("b"), shelter("c"), need=need))[0]] += 1
    assert all(150 < times < 250 for times in first.values())


def test_a_release_to_a_kind_of_recipient_bounds_the_offers_at_once() -> None:
    """domain.md §4.2, maxConcurrentOffers."""
    one = PERMIT._replace(obligations=Obligations(max_concurrent_offers=1))
    found = run(shelter("a"), shelter("b"), count=3, decision=one)
    assert len(found.chosen) == 1
    assert PassedOver.CONSENT_LIMIT in found.passed_over.values()


def test_nobody_there_is_nobody_chosen() -> None:
    """No candidates, no match, no crash."""
    assert run() == Match((), {})


houses = st.lists(
    st.builds(
        shelter,
        st.text("abcdefgh", min_size=1, max_size=3),
        active=st.booleans(),
        accepts_pets=st.sampled_from([True, True, False]),
        household_max=st.sampled_from([None, 2, 5]),
        areas=st.sampled_from([frozenset[str](), frozenset({"US-48-113"}), frozenset({"US-48-999"})]),
    ),
    max_size=8,
    unique_by=lambda provider: provider.org,
)


@settings(max_examples=200, deadline=None)
@given(houses, st.randoms(use_true_random=False), st.integers(0, 4))
def test_the_order_of_the_directory_never_matters(providers: list[Provider], chance: Any, count: int) -> None:
    """Who is asked follows from the facts, and everybody else has a reason."""
    shuffled = list(providers)
    chance.shuffle(shuffled)
    found, again = run(*providers, count=count), run(*shuffled, count=count)
    assert found.chosen == again.chosen
    assert found.passed_over == again.passed_over
    assert len(found.chosen) <= count
