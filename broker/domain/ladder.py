"""The ladder of a need that nobody takes: which step is taken when, and of whom something is owed (domain.md §10.4).

Times are UTC. What was done already is not known here: whoever climbs keeps that.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from broker.domain.calendar import BusinessCalendar
from broker.domain.deadlines import after, deadline
from broker.domain.pack import PolicyPack
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, Priority


class LadderStep(NamedTuple):
    """One step: when it is due, who is to hear of it, and which acknowledgment has not come by then."""

    at: datetime
    level: EscalationLevel
    owed: Acknowledgment


_UNSEEN: Final = (
    (Acknowledgment.A1_DELIVERED, EscalationLevel.L0_CONTACT),
    (Acknowledgment.A2_RECEIPTED, EscalationLevel.L1_ON_CALL),
)
"""An offer that nothing is heard of is told once more; one that nobody has seen goes to the on-call human."""


@lru_cache(maxsize=1024)
def offer_steps(
    pack: PolicyPack,
    priority: Priority,
    made_at: datetime,
    answer_by: datetime,
    rung: Acknowledgment,
    calendar: BusinessCalendar,
) -> tuple[LadderStep, ...]:
    """The reminders of one undecided offer that stands at `rung`, in order; at `answer_by` it is over.

    A batch asks for the same few again and again.
    """
    length, told = answer_by - made_at, pack.ladder
    steps = [
        LadderStep(deadline(pack, owed, priority, made_at, calendar), level, owed)
        for owed, level in _UNSEEN
        if rung < owed
    ]
    steps.append(_at(made_at, length, told.remind, EscalationLevel.L0_CONTACT))
    steps.append(_at(made_at, length, told.on_call, EscalationLevel.L1_ON_CALL))
    return tuple(sorted(step for step in steps if step.at < answer_by))


@lru_cache(maxsize=1024)
def need_steps(pack: PolicyPack, received_at: datetime, expires_at: datetime) -> tuple[LadderStep, ...]:
    """The steps of a need that is undecided as a whole: a coordinator of the network, then a number to fall back on."""
    length, told = expires_at - received_at, pack.ladder
    return (
        _at(received_at, length, told.coordinator, EscalationLevel.L3_COORDINATOR),
        _at(received_at, length, told.fallback, EscalationLevel.L4_FALLBACK),
    )


def alone_steps(
    pack: PolicyPack, priority: Priority, since: datetime, steps: tuple[LadderStep, ...]
) -> tuple[LadderStep, ...]:
    """The same for a need that nobody is left for `since` then: a coordinator at once, and a number after one more
    provider's time to answer, if it is not due before."""
    last = after(since, pack.timers[priority].decided)
    sooner = {EscalationLevel.L3_COORDINATOR: since, EscalationLevel.L4_FALLBACK: last}
    return tuple(step._replace(at=min(step.at, sooner[step.level])) for step in steps)


def _at(since: datetime, length: timedelta, percent: int, level: EscalationLevel) -> LadderStep:
    return LadderStep(since + length * percent / 100, level, Acknowledgment.A3_DECIDED)
