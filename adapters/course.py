"""The course of one delivery, pure: which channel, when, and how it ends. Terminal states are final.

QUEUED → ATTEMPTED → DELIVERED | RETRYING | DEAD_LETTERED | SUPPRESSED (domain.md §10.1). A delivery that has not ended
always has a moment at which something happens to it; an ended one is begun anew only by a person's replay, or because
it came back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from adapters.passing import Stop
from adapters.schedule import LEASE, SOON, Plan, soonest, wait
from adapters.transports.transport import Delivered, Outcome, Refused
from adapters.ways import Way
from broker.schemas.vocabulary import DeliveryState

ENDED: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.DEAD_LETTERED, DeliveryState.SUPPRESSED})
"""Nothing is attempted any more."""

BREAKER_OPEN: Final = "BREAKER_OPEN"
CHANNEL_PAUSED: Final = "CHANNEL_PAUSED"
NO_CHANNEL: Final = "NO_CHANNEL"


@dataclass(frozen=True, slots=True)
class Course:
    """Where one delivery stands. Times are UTC."""

    state: DeliveryState
    place: int
    due_at: datetime | None
    divert_at: datetime | None
    stop_at: datetime | None
    attempts: int = 0
    """Over all channels."""
    tries: int = 0
    """By the channel of `place`."""
    code: str | None = None


def begun(ways: Sequence[Way], plan: Plan, now: datetime, stop_at: datetime | None) -> Course:
    """A delivery that is due at once, by the first way that is not paused (one must be there, paused or not)."""
    first = next((way for way in ways if not way.paused), ways[0])
    course = Course(DeliveryState.QUEUED, first.place, now, None, stop_at)
    return _taking(course, first, ways, plan, now)


def claimed(
    course: Course, ways: Sequence[Way], plan: Plan, stop: Stop | None, now: datetime, probing: frozenset[int]
) -> Course:
    """What becomes of a delivery that is due: attempted now, moved on, left waiting for a probe, or ended.

    `stop` is the gate's word. `probing`: the places whose open breaker this very delivery may try.
    """
    if stop is not None:
        state = DeliveryState.DEAD_LETTERED if stop is Stop.TOO_LATE else DeliveryState.SUPPRESSED
        return replace(_ended(course, state, stop.value), attempts=course.attempts + 1)
    if not any(way.place == course.place and not way.paused for way in ways):
        course = _next(course, ways, plan, now, CHANNEL_PAUSED if ways else NO_CHANNEL)
    elif course.divert_at is not None and course.divert_at <= now:
        course = _next(course, ways, plan, now, None)
    return _attempted(course, ways, plan, now, probing)


def _attempted(course: Course, ways: Sequence[Way], plan: Plan, now: datetime, probing: frozenset[int]) -> Course:
    while course.state not in ENDED:
        way = _way(course, ways)
        if way.probe_at is None or way.place in probing:
            taken = replace(course, attempts=course.attempts + 1, tries=course.tries + 1)
            return replace(taken, state=DeliveryState.ATTEMPTED, due_at=now + LEASE)
        if not _around(course, way, plan) or _after(course.place, ways) is None:
            due_at = soonest(max(way.probe_at, now + SOON), course.divert_at, course.stop_at)
            state = DeliveryState.RETRYING if course.attempts else DeliveryState.QUEUED
            return replace(course, state=state, due_at=due_at, code=BREAKER_OPEN)
        course = _next(course, ways, plan, now, None)
    return course


def _around(course: Course, way: Way, plan: Plan) -> bool:
    """Whether a channel that is not to be tried now is left at once: one that only asks for a moment gets it."""
    if not plan.around_breaker or not way.asked:
        return plan.around_breaker
    return way.probe_at is None or course.divert_at is None or way.probe_at >= course.divert_at


def came(course: Course, outcome: Outcome, ways: Sequence[Way], plan: Plan, now: datetime, draw: float) -> Course:
    """What becomes of an attempted delivery by the outcome of its attempt; one that has ended stays as it is."""
    if course.state in ENDED:
        return course
    if isinstance(outcome, Delivered):
        return _ended(course, DeliveryState.DELIVERED, outcome.code)
    if isinstance(outcome, Refused):
        return _next(replace(course, state=DeliveryState.RETRYING), ways, plan, now, outcome.code)
    again = now + wait(plan, course.tries, draw, outcome.after)
    due_at = soonest(again, course.divert_at, course.stop_at)
    return replace(course, state=DeliveryState.RETRYING, due_at=due_at, code=outcome.code)


def came_back(course: Course, refused: Refused, ways: Sequence[Way], plan: Plan, now: datetime) -> Course:
    """What becomes of a delivery that its channel had taken and that came back: as if it had been refused at once."""
    if course.state is not DeliveryState.DELIVERED:
        return course
    return _next(replace(course, state=DeliveryState.RETRYING), ways, plan, now, refused.code)


def _next(course: Course, ways: Sequence[Way], plan: Plan, now: datetime, code: str | None) -> Course:
    """The next way in turn, at once. Where none is left: the end if this way is of no use (`code` says why)."""
    following = _after(course.place, ways)
    if following is not None:
        return _taking(replace(course, code=code or course.code, due_at=now), following, ways, plan, now)
    if code is not None:
        return _ended(course, DeliveryState.DEAD_LETTERED, code)
    return replace(course, divert_at=None)


def _taking(course: Course, way: Way, ways: Sequence[Way], plan: Plan, now: datetime) -> Course:
    divert_at = now + plan.divert_after if _after(way.place, ways) is not None else None
    return replace(course, place=way.place, tries=0, divert_at=divert_at)


def _after(place: int, ways: Sequence[Way]) -> Way | None:
    """The next way that is not paused; from a place that is no way any more, the first with a later turn."""
    turns = [way.place for way in ways]
    later = ways[turns.index(place) + 1 :] if place in turns else [way for way in ways if way.place > place]
    return next((way for way in later if not way.paused), None)


def _way(course: Course, ways: Sequence[Way]) -> Way:
    return next(way for way in ways if way.place == course.place)


def _ended(course: Course, state: DeliveryState, code: str) -> Course:
    return replace(course, state=state, due_at=None, divert_at=None, code=code)
