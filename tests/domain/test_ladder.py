"""The ladder is domain.md §10.4's: reminded, on call, a coordinator, a number; each at its share of the time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.calendar import USUAL
from broker.domain.deadlines import deadline
from broker.domain.ladder import alone_steps, need_steps, offer_steps
from broker.domain.work_list import Waiting, age_max
from broker.schemas.vocabulary import Acknowledgment as Rung
from broker.schemas.vocabulary import EscalationLevel as Level
from broker.schemas.vocabulary import Priority
from tests.domain.cast import pack

MADE = datetime(2026, 3, 3, 9, tzinfo=UTC)
S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def steps(priority: Priority, rung: Rung) -> list[tuple[timedelta, Level, Rung]]:
    """The reminders of an offer that was made on a Tuesday morning."""
    answer_by = deadline(pack(), Rung.A3_DECIDED, priority, MADE)
    found = offer_steps(pack(), priority, MADE, answer_by, rung, USUAL)
    return [(step.at - MADE, step.level, step.owed) for step in found]


def test_an_unseen_urgent_offer_is_told_again_then_to_who_is_on_call() -> None:
    """P0: nothing heard in 30 s, not seen in 5 min, undecided at 7.5 and 11.25 of 15 min."""
    assert steps(Priority.P0, Rung.A0_ACCEPTED) == [
        (30 * S, Level.L0_CONTACT, Rung.A1_DELIVERED),
        (5 * M, Level.L1_ON_CALL, Rung.A2_RECEIPTED),
        (7.5 * M, Level.L0_CONTACT, Rung.A3_DECIDED),
        (11.25 * M, Level.L1_ON_CALL, Rung.A3_DECIDED),
    ]


def test_what_was_acknowledged_is_not_asked_for() -> None:
    """A receipt answers for delivery too; then only the decision is owed, at half and three quarters of its time."""
    assert steps(Priority.P1, Rung.A1_DELIVERED)[0] == (15 * M, Level.L1_ON_CALL, Rung.A2_RECEIPTED)
    assert steps(Priority.P1, Rung.A2_RECEIPTED) == [
        (30 * M, Level.L0_CONTACT, Rung.A3_DECIDED),
        (45 * M, Level.L1_ON_CALL, Rung.A3_DECIDED),
    ]


def test_a_need_goes_to_a_coordinator_at_half_of_its_time_and_to_the_number_at_three_quarters() -> None:
    """P0 has four hours; where nobody is left, a coordinator has it at once and the number comes a P0 answer later."""
    usual = need_steps(pack(), MADE, MADE + 4 * H)
    marks = [(step.at - MADE, step.level) for step in usual]
    assert marks == [(2 * H, Level.L3_COORDINATOR), (3 * H, Level.L4_FALLBACK)]
    alone = alone_steps(pack(), Priority.P0, MADE + 20 * M, usual)
    assert [step.at - MADE for step in alone] == [20 * M, 35 * M]
    late = alone_steps(pack(), Priority.P0, MADE + 2.95 * H, usual)
    assert [step.at - MADE for step in late] == [2 * H, 3 * H]


@given(st.sampled_from(Priority), st.sampled_from([Rung.A0_ACCEPTED, Rung.A1_DELIVERED, Rung.A2_RECEIPTED]))
def test_no_reminder_comes_after_the_end_and_none_comes_twice(priority: Priority, rung: Rung) -> None:
    """In order, all before the answer is due, each pair of level and what is owed once."""
    answer_by = deadline(pack(), Rung.A3_DECIDED, priority, MADE)
    found = offer_steps(pack(), priority, MADE, answer_by, rung, USUAL)
    assert list(found) == sorted(found)
    assert all(MADE < step.at < answer_by for step in found)
    assert len({(step.level, step.owed) for step in found}) == len(found)


@pytest.mark.parametrize("reason", Waiting)
def test_every_reason_has_an_age_that_is_an_alarm_and_urgency_never_lengthens_it(reason: Waiting) -> None:
    """The more urgent the sooner; nothing may lie for ever."""
    ages = [age_max(reason, priority) for priority in Priority]
    assert ages == sorted(ages)
    assert timedelta(0) < ages[0] <= ages[-1] <= timedelta(days=3)
