"""The course of a delivery, pure: terminal is final, nothing idles, nothing is sent after it was stopped."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters.course import BREAKER_OPEN, ENDED, Course, begun, came, claimed
from adapters.passing import Facts, Stop, stopped
from adapters.schedule import IMMEDIATE, JITTER, LEASE, PLANS, ROUTINE, URGENT, Plan, wait
from adapters.standing import OPEN, TAKEN, Standing
from adapters.transports.transport import Delivered, Outcome, Refused, TryAgain
from adapters.ways import Way
from broker.domain import lifecycle
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.vocabulary import DeliveryState

BEGIN = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("plan", [IMMEDIATE, URGENT, ROUTINE])
@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_each_wait_is_that_of_the_table_within_a_fifth(plan: Plan, draw: float) -> None:
    """And the last one holds for all that follow, so that a day of failures ends in no flood and no silence."""
    for tries in range(1, 40):
        told = plan.waits[min(tries, len(plan.waits)) - 1]
        assert told * (1 - JITTER) <= wait(plan, tries, draw) <= told * (1 + JITTER)


@pytest.mark.parametrize(("asked", "least"), [(0.0, 1.0), (120.0, 120.0), (1e6, 3600.0)])
def test_what_a_receiver_asks_for_is_kept_within_bounds(asked: float, least: float) -> None:
    """Never sooner than it asks, a second at the least, an hour at the most."""
    for draw in (0.0, 0.999):
        waited = wait(IMMEDIATE, 1, draw, timedelta(seconds=asked))
        assert timedelta(seconds=least) <= waited <= timedelta(seconds=least * (1 + JITTER))


@pytest.mark.parametrize("plan", [URGENT, ROUTINE])
def test_six_hours_of_failure_and_then_delivered(plan: Plan) -> None:
    """F14: the schedule's own moments, with the one channel's attempts counted, and one delivery at the end."""
    ways, now = [Way(1)], BEGIN
    course = begun(ways, plan, now, BEGIN + 24 * HOUR)
    gaps = []
    while course.state is not DeliveryState.DELIVERED:
        course = claimed(course, ways, plan, None, now, frozenset())
        assert course.state is DeliveryState.ATTEMPTED
        outcome: Outcome = Delivered("OK") if now >= BEGIN + 6 * HOUR else TryAgain("HTTP_503")
        course = came(course, outcome, ways, plan, now, 0.5)
        if course.due_at is not None:
            gaps.append(course.due_at - now)
            now = course.due_at
    assert tuple(gaps[: len(plan.waits)]) == plan.waits[: len(gaps)]
    assert course.attempts == len(gaps) + 1


def test_an_immediate_one_leaves_a_channel_that_fails_after_five_minutes_and_a_broken_one_at_once() -> None:
    """Endless trying helps nobody tonight: second channel at 5 minutes, the one on call at 10 (reliability.md §1)."""
    ways = [Way(1), Way(2), Way(3)]
    course, now = begun(ways, IMMEDIATE, BEGIN, BEGIN + HOUR), BEGIN
    taken: dict[int, timedelta] = {}
    while now < BEGIN + timedelta(minutes=20):
        course = claimed(course, ways, IMMEDIATE, None, now, frozenset())
        taken.setdefault(course.place, now - BEGIN)
        course = came(course, TryAgain("AWAY"), ways, IMMEDIATE, now, 0.5)
        assert course.due_at is not None
        now = course.due_at
    assert taken == {1: timedelta(0), 2: timedelta(minutes=5), 3: timedelta(minutes=10)}
    broken = [Way(1, probe_at=BEGIN + timedelta(minutes=1)), Way(2)]
    course = claimed(begun(broken, IMMEDIATE, BEGIN, None), broken, IMMEDIATE, None, BEGIN, frozenset())
    assert (course.place, course.state) == (2, DeliveryState.ATTEMPTED)


@pytest.mark.parametrize(("minutes", "place", "state"), [(1, 1, "QUEUED"), (5, 2, "ATTEMPTED"), (60, 2, "ATTEMPTED")])
def test_an_immediate_one_gives_the_moment_that_is_asked_for_and_no_more(minutes: int, place: int, state: str) -> None:
    """Whoever is on call is not woken for a minute's patience; nobody waits in vain for one that asks for more."""
    ways = [Way(1, probe_at=BEGIN + timedelta(minutes=minutes), asked=True), Way(2)]
    course = claimed(begun(ways, IMMEDIATE, BEGIN, BEGIN + HOUR), ways, IMMEDIATE, None, BEGIN, frozenset())
    assert (course.place, course.state) == (place, state)
    if place == 1:
        assert (course.code, course.due_at) == (BREAKER_OPEN, BEGIN + timedelta(minutes=minutes))


def test_the_gate_of_the_zone_says_no_by_code() -> None:
    """Each reason, and that an end may always be told."""
    later = BEGIN + HOUR

    def asked(kind: type, standing: Standing, **changed: object) -> Stop | None:
        told = {"has_content": True, "answer_by": later, "stop_at": later, "held": True, "release_ends": later}
        return stopped(Facts(type=kind.TYPE, standing=standing, **(told | changed)), BEGIN)  # type: ignore[arg-type,attr-defined]

    for standing in Standing:
        assert (asked(OfferMade, standing) is None) == (standing in OPEN)
        assert (asked(DisclosureReleased, standing) is None) == (standing in TAKEN)
        assert asked(OfferWithdrawn, standing) is None
        assert asked(DisclosureRevoked, standing) is None
    assert asked(OfferMade, Standing.WITHDRAWN) is Stop.WITHDRAWN
    assert asked(OfferMade, Standing.EXPIRED) is Stop.EXPIRED
    assert asked(OfferMade, Standing.DECLINED) is Stop.ANSWERED
    assert asked(OfferMade, Standing.WAITING, answer_by=BEGIN) is Stop.TOO_LATE
    assert asked(OfferMade, Standing.WAITING, has_content=False) is Stop.CONTENT_GONE
    assert asked(DisclosureReleased, Standing.ENGAGED, held=False) is Stop.TAKEN_BACK
    assert asked(DisclosureReleased, Standing.ENGAGED, release_ends=BEGIN) is Stop.RELEASE_ENDED
    assert asked(DisclosureReleased, Standing.WITHDRAWN) is Stop.WITHDRAWN
    assert asked(OfferWithdrawn, Standing.WITHDRAWN, stop_at=BEGIN) is Stop.TOO_LATE
    assert asked(DisclosureRevoked, Standing.WITHDRAWN, has_content=False) is Stop.CONTENT_GONE


OUTCOMES = st.one_of(
    st.just(Delivered("OK")),
    st.builds(TryAgain, st.just("AWAY"), st.none() | st.timedeltas(timedelta(0), timedelta(days=2)), st.booleans()),
    st.builds(Refused, st.just("NO"), st.booleans()),
)


class Deliveries(RuleBasedStateMachine):
    """Anything may happen, in any order: claims, outcomes twice and late, dead couriers, changed channels, the gate."""

    @initialize(plan=st.sampled_from(sorted(PLANS)), ways=st.integers(1, 4))
    def begin(self, plan: str, ways: int) -> None:
        self.plan = PLANS[plan]  # type: ignore[index]
        self.ways = [Way(place) for place in range(1, ways + 1)]
        self.now = BEGIN
        self.stop_at = BEGIN + 8 * HOUR
        self.is_stopped: Stop | None = None
        self.course = begun(self.ways, self.plan, BEGIN, self.stop_at)
        self.sent_after_stop = False

    def _becomes(self, course: Course) -> None:
        before, self.course = self.course, course
        if before.state in ENDED:
            assert course == before, "terminal is final"
        elif course.state is not before.state and before.state is not DeliveryState.ATTEMPTED:
            assert lifecycle.allows(lifecycle.DELIVERY, before.state, course.state)
        assert course.attempts >= before.attempts

    @rule(minutes=st.integers(0, 300))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def until_due(self) -> None:
        if self.course.due_at is not None:
            self.now = max(self.now, self.course.due_at)

    @rule(probing=st.booleans())
    def claim(self, probing: bool) -> None:
        """Due alone is claimed; a lease that ran out is due."""
        if self.course.due_at is None or self.course.due_at > self.now:
            return
        stop = self.is_stopped or (Stop.TOO_LATE if self.now >= self.stop_at else None)
        places = frozenset(way.place for way in self.ways) if probing else frozenset()
        self._becomes(claimed(self.course, self.ways, self.plan, stop, self.now, places))
        if stop is not None:
            assert self.course.state in ENDED, "no send after decline, expiry, withdrawal or revocation"

    @rule(outcome=OUTCOMES, draw=st.floats(0, 1, exclude_max=True))
    def outcome(self, outcome: Outcome, draw: float) -> None:
        """It may come of an attempt that the lease has ended, and after the end."""
        if self.course.attempts and (self.course.state is DeliveryState.ATTEMPTED or isinstance(outcome, Delivered)):
            if isinstance(outcome, Refused) and outcome.pause:
                self._paused(self.course.place)
            self._becomes(came(self.course, outcome, self.ways, self.plan, self.now, draw))

    @rule(stop=st.sampled_from([Stop.WITHDRAWN, Stop.EXPIRED, Stop.ANSWERED, Stop.TAKEN_BACK]))
    def taken_back(self, stop: Stop) -> None:
        self.is_stopped = stop

    @rule(place=st.integers(1, 4), minutes=st.none() | st.integers(0, 2))
    def breaker(self, place: int, minutes: int | None) -> None:
        until = self.now + timedelta(minutes=minutes) if minutes is not None else None
        self.ways = [Way(way.place, way.paused, until) if way.place == place else way for way in self.ways]

    @rule(place=st.integers(1, 4))
    def _paused(self, place: int) -> None:
        self.ways = [Way(way.place, paused=True) if way.place == place else way for way in self.ways]

    @rule()
    def channels_removed(self) -> None:
        self.ways = self.ways[1:]

    @invariant()
    def never_idle(self) -> None:
        """Ended, or something happens to it at a known moment, and never later than when it is of no use."""
        if not hasattr(self, "course"):
            return
        assert (self.course.due_at is None) == (self.course.state in ENDED)
        if self.course.due_at is not None:
            assert self.course.due_at <= max(self.stop_at, self.now) + LEASE
        if self.course.state in ENDED:
            assert self.course.code is not None
        if self.course.code == BREAKER_OPEN:
            assert self.course.state is not DeliveryState.DELIVERED


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
