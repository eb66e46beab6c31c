"""How a referral stands as a whole: every pair of needs, and what FHIR allows its parent Task to say of them."""

from itertools import combinations_with_replacement
from typing import NamedTuple

import pytest

from broker.domain.lifecycle import NEED, fhir_status, is_terminal
from broker.domain.whole import whole
from broker.schemas.vocabulary import NeedState
from tests.domain.test_lifecycle import FHIR_EDGES

ERROR = NeedState.ENTERED_IN_ERROR
PAIRS = list(combinations_with_replacement(NeedState, 2))
ONCE_TAKEN = frozenset(map(NeedState, ("ACCEPTED", "HANDOFF", "CONTACT_PENDING", "ENGAGED", "IN_SERVICE")))


class Pair(NamedTuple):
    """Where two needs of one referral stand, and whether one of them was ever accepted."""

    first: NeedState
    second: NeedState
    taken: bool

    def told(self, *, released: bool) -> str:
        """What the parent Task says."""
        return fhir_status(whole(self[:2]), engaged_before=self.taken, released=released)

    def next(self) -> set["Pair"]:
        """Every step that one of them can make; a recall is a step of both."""
        steps = {(after, self.second) for after in NEED[self.first] - {ERROR}}
        steps |= {(self.first, after) for after in NEED[self.second] - {ERROR}}
        return {Pair(*step, self.taken or not ONCE_TAKEN.isdisjoint(step)) for step in (*steps, (ERROR, ERROR))}


@pytest.mark.parametrize("state", NeedState)
def test_a_referral_with_one_need_stands_where_its_need_does(state: NeedState) -> None:
    """Whatever the state is."""
    assert whole([state]) is state


def test_a_referral_is_over_when_all_its_needs_are() -> None:
    """Every pair, a mistake apart, which is of the whole referral."""
    for pair in PAIRS:
        if ERROR not in pair:
            assert is_terminal(NEED, whole(pair)) == all(is_terminal(NEED, state) for state in pair)


def test_which_of_its_needs_comes_first_makes_no_difference() -> None:
    """Every pair, in both orders."""
    assert all(whole((one, other)) is whole((other, one)) for one, other in PAIRS)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("OFFERED IN_SERVICE", "IN_SERVICE"),
        ("COMPLETED OFFERED", "OFFERED"),
        ("COMPLETED CONSENT_HOLD", "MATCHING"),
        ("SUBMITTED CONSENT_HOLD", "CONSENT_HOLD"),
        ("COMPLETED REVOKED", "COMPLETED"),
        ("EXPIRED CANCELLED UNREACHABLE", "UNREACHABLE"),
        ("REVOKED MATCHING COMPLETED", "MATCHING"),
        ("ENTERED_IN_ERROR COMPLETED", "ENTERED_IN_ERROR"),
    ],
)
def test_the_furthest_open_need_speaks_for_it_and_else_its_best_end(states: str, expected: str) -> None:
    """Tonight's bed is taken and the counselling still sought: it is in service. Both over: what came of it."""
    assert whole(map(NeedState, states.split())) is NeedState(expected)


@pytest.mark.parametrize("released", [True, False])
def test_no_steps_of_two_needs_make_the_whole_take_one_that_fhir_forbids(released: bool) -> None:
    """domain.md §9.2: the parent Task, along every step of every pair that can be reached from a request."""
    start = Pair(NeedState.SUBMITTED, NeedState.SUBMITTED, taken=False)
    seen, edge = {start}, [start]
    while edge:
        before = edge.pop()
        for after in before.next():
            said, then = before.told(released=released), after.told(released=released)
            assert said == then or then == "entered-in-error" or then in FHIR_EDGES[said], (before, after)
            if after not in seen:
                seen.add(after)
                edge.append(after)
    reached = {state for pair in seen for state in pair[:2]}
    assert reached == set(NeedState) - {NeedState.DRAFT}, "both leave DRAFT together, at their source"
