"""Every kind of provider, found by its being there, keeps to the field's tables and to the broker's."""

from collections.abc import Iterable

import pytest

from adapters.kind import EVERY_ANSWER, ProviderKind, kinds
from adapters.standing import ANSWERS, OPEN, OVER, TAKEN, Standing, after, why_not
from broker.domain.lifecycle import ANSWERS as BROKERS_ANSWERS
from broker.domain.policy import PolicyPack
from broker.policies import shipped_pack
from broker.schemas.capacity_updated import CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.delivery_failed import DeliveryFailed
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.event import Flow, events
from broker.schemas.field_groups import FieldGroup, groups_with_model
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_made import OfferMade
from broker.schemas.refusal import RefusalCode
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import (
    SERVICE_CATEGORY,
    DeclineReason,
    OfferState,
    Outcome,
    RecipientCategory,
    Service,
)
from tests.adapters.network import example_offer

KINDS = sorted(kinds().values(), key=lambda kind: kind.POLICY.category)
CATEGORIES = (
    RecipientCategory.COUNSELING,
    RecipientCategory.HEALTHCARE,
    RecipientCategory.LEGAL_AID,
    RecipientCategory.SHELTER,
)
OFFER_ID = OfferMade.EXAMPLE["offerId"]

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.POLICY.category.value)


@pytest.fixture(scope="module")
def pack() -> PolicyPack:
    """The policy pack that ships."""
    return shipped_pack()


def test_the_four_kinds_are_there() -> None:
    """Shelter, counselling, legal aid and healthcare each have their file."""
    assert tuple(sorted(kinds())) == CATEGORIES


@each_kind
def test_a_kind_answers_for_exactly_the_services_of_its_category(kind: ProviderKind) -> None:
    """No service is left without a kind, and none has two (domain.md §8)."""
    expected = {service for service, category in SERVICE_CATEGORY.items() if category is kind.POLICY.category}
    assert kind.POLICY.services == expected


@each_kind
def test_a_kind_may_hold_what_the_minimum_necessary_table_allows_and_no_more(
    kind: ProviderKind, pack: PolicyPack
) -> None:
    """The kind's own column of domain.md §7.4, as the shipped policy pack has it."""
    policy = kind.POLICY
    travelling = {FieldGroup("FG00"), *groups_with_model()}
    required, optional, once = _column(pack, policy.category)
    assert policy.needs == required & travelling
    assert policy.may_ask == optional & travelling
    assert policy.single_use == once & travelling


def _column(
    pack: PolicyPack, category: RecipientCategory
) -> tuple[frozenset[FieldGroup], frozenset[FieldGroup], frozenset[FieldGroup]]:
    import tomllib
    from importlib.resources import files

    table = tomllib.loads(files("broker.policies").joinpath("us-federal-vawa.toml").read_text())["minimumNecessary"]
    column = table["columns"].index(category.value)
    marks = {FieldGroup(group): row.split()[column] for group, row in table["rows"].items()}
    assert pack.name
    return tuple(frozenset(g for g, mark in marks.items() if mark == wanted) for wanted in "Ro1")  # type: ignore[return-value]


@each_kind
def test_groups_are_in_one_class_each(kind: ProviderKind) -> None:
    """A group is needed, allowed or for a single check, never two of these."""
    policy = kind.POLICY
    classes: Iterable[frozenset[FieldGroup]] = (policy.needs, policy.may_ask, policy.single_use)
    assert len(policy.may_hold) == sum(map(len, classes))


def test_codes_about_beds_and_residents_are_the_shelters_alone() -> None:
    """Another kind cannot even choose them; legal codes are legal aid's alone (domain.md §10.5)."""
    shelters = {
        DeclineReason.NO_CAPACITY_BEDS,
        DeclineReason.HOUSEHOLD_TOO_LARGE,
        DeclineReason.CANNOT_ACCOMMODATE_PET,
        DeclineReason.UNSAFE_PROXIMITY,
        DeclineReason.RESIDENT_CONFLICT,
        DeclineReason.LOCATION_COMPROMISED,
    }
    legal = {
        DeclineReason.CONFLICT_OF_INTEREST,
        DeclineReason.OVER_INCOME,
        DeclineReason.CASE_TYPE_NOT_HANDLED,
        DeclineReason.DEADLINE_TOO_SOON,
    }
    for category, kind in kinds().items():
        reasons = kind.POLICY.decline_reasons
        assert (reasons & shelters) == (shelters if category is RecipientCategory.SHELTER else frozenset())
        assert (reasons & legal) == (legal if category is RecipientCategory.LEGAL_AID else frozenset())
    assert frozenset().union(*(kind.POLICY.decline_reasons for kind in KINDS)) == frozenset(DeclineReason)


def test_every_outcome_is_some_kinds() -> None:
    """No outcome of domain.md §10.7 that nobody could report."""
    assert frozenset().union(*(kind.POLICY.outcomes for kind in KINDS)) == frozenset(Outcome)


@each_kind
def test_an_answer_of_another_kind_is_refused_with_a_code(kind: ProviderKind) -> None:
    """Every code that is not the kind's own is refused by it, and every one that is its own is not."""
    policy = kind.POLICY
    for reason in DeclineReason:
        refusal = kind.refusal_of(OfferDeclined(offer_id=OFFER_ID, reason=reason))
        assert (refusal is None) == (reason in policy.decline_reasons)
    for outcome in Outcome:
        refusal = kind.refusal_of(ServiceCompleted(offer_id=OFFER_ID, outcome=outcome))
        assert (refusal is None) == (outcome in policy.outcomes)
    for service in Service:
        refusal = kind.refusal_of(ServiceStarted(offer_id=OFFER_ID, service=service))
        assert refusal == (None if service in policy.services else (RefusalCode.ANSWER_NOT_OFFERED, "service"))


@each_kind
def test_a_kind_says_an_offer_in_plain_words(kind: ProviderKind) -> None:
    """Every line is words, what is asked for is among them, and no code is left as it travels."""
    offer = example_offer(kind.POLICY.category, OFFER_ID)
    lines = kind.summarise(offer)
    said = "\n".join(lines)
    assert any(line.startswith("Asked for: ") for line in lines)
    assert "Spanish, interpreter wanted" in said
    assert "+15555550100" in said
    assert "_" not in said


@each_kind
def test_a_kind_reads_the_barest_offer(kind: ProviderKind) -> None:
    """Which groups an offer shows is the gate's decision: a kind must not need any of them."""
    bare = example_offer(kind.POLICY.category, OFFER_ID).model_copy(
        update=dict.fromkeys(("need_summary", "access_needs", "jurisdiction_code", "area", "worker_contact"))
    )
    assert kind.summarise(bare)


def test_what_a_provider_can_say_is_what_the_contract_lets_it_say() -> None:
    """Every event of the way back has a place here."""
    said = {event for event in events().values() if Flow.PROVIDER_TO_BROKER in event.FLOWS}
    said -= {DeliverySucceeded, DeliveryFailed}  # The zone itself says these, and no kind of provider has a word in it.
    assert said == EVERY_ANSWER
    about_no_step = {RevocationAcknowledged, CapacityUpdated, ConsentGranted, ConsentNarrowed, ConsentRevoked}
    assert said == set(ANSWERS) | about_no_step


def test_every_step_here_is_a_step_of_the_broker() -> None:
    """The provider's table never allows what the broker's would refuse for its state (reference/state_machine.json)."""
    brokers_state = {Standing.WAITING: OfferState.RECEIPTED, Standing.WAITLISTED: OfferState.WAITLISTED}
    for answer, steps in ANSWERS.items():
        brokers = BROKERS_ANSWERS[answer.TYPE.removeprefix("org.warmhandoff.").removesuffix(".v1")]
        offer_state, way = brokers.offer, brokers.way
        for before, following in steps.items():
            if before in brokers_state:
                assert offer_state is not None
                expected = Standing.CONTACT_PENDING if offer_state is OfferState.ACCEPTED else offer_state.value
                assert following == (before if offer_state is OfferState.RECEIPTED else expected)
            elif following is not Standing.GIVEN_BACK and following is not before:
                moved = {state.value: path[-1].value for state, path in way.items()}
                assert moved[before.value] == following.value


def test_no_standing_is_in_two_classes_and_nothing_leaves_what_is_over() -> None:
    """Open, taken and over part the standings between them; over is final."""
    assert frozenset(Standing) == OPEN | TAKEN | OVER
    assert not OPEN & TAKEN
    for answer in ANSWERS:
        assert all(after(standing, answer) is None for standing in OVER)
        assert all(why_not(standing, answer) in RefusalCode for standing in Standing)
