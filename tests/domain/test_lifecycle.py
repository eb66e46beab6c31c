"""The three state machines are the domain's tables, and nothing else moves anything."""

import json
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.domain.lifecycle import (
    ANSWERS,
    DELIVERY,
    NEED,
    OFFER,
    ImpossibleTransition,
    allows,
    check,
    coarse_status,
    decline_family,
    fhir_status,
    is_terminal,
)
from broker.schemas.event import Flow, events
from broker.schemas.vocabulary import (
    CoarseState,
    DeclineFamily,
    DeclineReason,
    DeliveryState,
    NeedState,
    OfferState,
)

REFERENCE = json.loads(Path(__file__).with_name("state_machine.json").read_text("utf-8"))

FHIR_EDGES = {
    "draft": {"requested", "cancelled"},  # cancelling a draft is local and never published
    "requested": {"accepted", "rejected", "cancelled"},
    "accepted": {"in-progress", "on-hold", "cancelled", "completed", "failed"},
    "in-progress": {"on-hold", "cancelled", "completed", "failed"},
    "on-hold": {"in-progress", "cancelled", "completed", "failed"},
}


def test_the_need_moves_as_the_reference_says() -> None:
    """Each state of reference/state_machine.json, and an entry in error from every state."""
    for state in NeedState:
        following = set(REFERENCE.get(state.value, {"next": []})["next"])
        if state is not NeedState.ENTERED_IN_ERROR:
            following.add("ENTERED_IN_ERROR")
        assert {after.value for after in NEED[state]} == following


@pytest.mark.parametrize("before", list(NeedState))
@pytest.mark.parametrize("after", list(NeedState))
def test_each_step_that_the_table_lacks_is_refused_with_the_code(before: NeedState, after: NeedState) -> None:
    """22 × 22 pairs: allowed ones pass, all others are TRANSITION_IMPOSSIBLE."""
    if after in NEED[before]:
        check(NEED, before, after)
    else:
        with pytest.raises(ImpossibleTransition) as refused:
            check(NEED, before, after)
        assert refused.value.code == "TRANSITION_IMPOSSIBLE"


def test_every_machine_knows_all_its_states() -> None:
    """A state without a row would have no way out and no refusal of its own."""
    assert NEED.keys() == set(NeedState)
    assert OFFER.keys() == set(OfferState)
    assert DELIVERY.keys() == set(DeliveryState)


def test_every_state_of_a_need_can_be_reached() -> None:
    """From DRAFT, all of them."""
    reached, edge = {NeedState.DRAFT}, [NeedState.DRAFT]
    while edge:
        new = NEED[edge.pop()] - reached
        reached |= new
        edge += new
    assert reached == set(NeedState)


@pytest.mark.parametrize("released", [True, False])
def test_no_way_through_the_machine_makes_a_step_that_fhir_forbids(released: bool) -> None:
    """domain.md §10.2: the parent Task's status, told and withheld, along every reachable step."""
    seen: set[tuple[NeedState, bool]] = set()
    edge = [(NeedState.DRAFT, False)]
    while edge:
        state, engaged = edge.pop()
        if (state, engaged) in seen:
            continue
        seen.add((state, engaged))
        for after in NEED[state] - {NeedState.ENTERED_IN_ERROR}:
            before_status = fhir_status(state, engaged_before=engaged, released=released)
            now_engaged = engaged or fhir_status(after, engaged_before=False, released=True) == "in-progress"
            after_status = fhir_status(after, engaged_before=now_engaged, released=released)
            assert before_status == after_status or after_status in FHIR_EDGES[before_status]
            edge.append((after, now_engaged))


@pytest.mark.parametrize(
    ("state", "told", "withheld"),
    [
        (NeedState.MATCHING, "on-hold", "accepted"),
        (NeedState.ENGAGED, "in-progress", "accepted"),
        (NeedState.UNREACHABLE, "failed", "completed"),
        (NeedState.COMPLETED, "completed", "completed"),
        (NeedState.REVOKED, "cancelled", "cancelled"),
        (NeedState.ENTERED_IN_ERROR, "entered-in-error", "entered-in-error"),
    ],
)
def test_without_a_release_the_status_tells_no_more_than_that_it_goes_on(
    state: NeedState, told: str, withheld: str
) -> None:
    """domain.md §10.2, the two right-hand columns."""
    assert fhir_status(state, engaged_before=True, released=True) == told
    assert fhir_status(state, engaged_before=True, released=False) == withheld


def test_the_coarse_state_is_the_same_for_all_that_may_not_be_told_apart() -> None:
    """Seeking, accepted and in service look alike; so do a good end and a bad one."""
    for state in NeedState:
        coarse = coarse_status(state)
        if is_terminal(NEED, state):
            assert coarse is CoarseState.CLOSED
        elif state in (NeedState.DRAFT, NeedState.SUBMITTED, NeedState.CONSENT_HOLD):
            assert coarse is CoarseState.RECEIVED
        else:
            assert coarse is CoarseState.IN_PROGRESS


def test_every_answer_of_a_provider_has_a_row_and_takes_a_possible_way() -> None:
    """No answer of the contract is left without a meaning, and none promises a step that the table lacks."""
    answers = {
        kind.removeprefix("org.warmhandoff.").removesuffix(".v1")
        for kind, event in events().items()
        if Flow.PROVIDER_TO_BROKER in event.FLOWS
    }
    about_a_need = {
        name for name in answers if not name.startswith(("capacity.", "consent.", "delivery.", "revocation."))
    }
    assert about_a_need == ANSWERS.keys()
    for answer in ANSWERS.values():
        for before, way in answer.way.items():
            for step in way:
                assert allows(NEED, before, step)
                before = step


def test_an_answered_offer_stays_answered() -> None:
    """Declined, expired and withdrawn are final; an acceptance can only be withdrawn."""
    assert [state for state in OfferState if is_terminal(OFFER, state)] == [
        OfferState.DECLINED,
        OfferState.EXPIRED,
        OfferState.WITHDRAWN,
    ]
    assert OFFER[OfferState.ACCEPTED] == {OfferState.WITHDRAWN}


@pytest.mark.parametrize(
    ("reason", "family"),
    [
        (DeclineReason.NO_CAPACITY_BEDS, DeclineFamily.CAPACITY),
        (DeclineReason.NOT_ELIGIBLE_AREA, DeclineFamily.NOT_A_FIT),
        (DeclineReason.DUPLICATE, DeclineFamily.PROCESS),
        (DeclineReason.RESIDENT_CONFLICT, DeclineFamily.WITHHELD),
        (DeclineReason.UNSAFE_PROXIMITY, DeclineFamily.WITHHELD),
        (DeclineReason.STAFF_CONFLICT, DeclineFamily.WITHHELD),
        (DeclineReason.LOCATION_COMPROMISED, DeclineFamily.WITHHELD),
        (DeclineReason.CONFLICT_OF_INTEREST, DeclineFamily.WITHHELD),
    ],
)
def test_a_decline_is_told_by_family_and_the_safety_reasons_never(reason: DeclineReason, family: DeclineFamily) -> None:
    """domain.md §10.5: they would tell who lives there, or whom the office represents."""
    assert decline_family(reason) is family


class Walk(RuleBasedStateMachine):
    """Any sequence of steps asked for, possible or not."""

    def __init__(self) -> None:
        super().__init__()
        self.state = NeedState.DRAFT
        self.ended: NeedState | None = None

    @rule(wanted=st.sampled_from(NeedState))
    def ask(self, wanted: NeedState) -> None:
        """Only what the table has is done."""
        if allows(NEED, self.state, wanted):
            self.state = wanted

    @invariant()
    def terminal_states_are_final(self) -> None:
        """Once ended, a need leaves its end only to ENTERED_IN_ERROR."""
        if self.ended is not None:
            assert self.state in (self.ended, NeedState.ENTERED_IN_ERROR)
        elif is_terminal(NEED, self.state):
            self.ended = self.state


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
