"""F14: a receiver answers 5xx for six hours, on a clock that the test moves: real rows, the breaker, every urgency."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest

from adapters.channels import Registry
from adapters.claiming import Claimer
from adapters.delivery_rows import Ledger
from adapters.schedule import JITTER
from adapters.storing import Done, Storer
from adapters.transports.transport import Delivered, Outcome, TryAgain
from adapters.troubled import troubled_channels
from broker import limits
from broker.schemas.vocabulary import MsgStatus, Priority
from tests.adapters.courier_desk import HAVEN, CourierDesk
from tests.adapters.network import BROKER
from tests.adapters.receivers.scripted import ScriptedReceiver

OUTAGE: Final = timedelta(hours=6)
OFFERS: Final = 6
"""One more than open a breaker."""

_TIME_PASSES: Final = (
    "UPDATE delivery SET due_at = due_at - $1::interval, divert_at = divert_at - $1::interval",
    "UPDATE delivery SET stop_at = stop_at - $1::interval, leased_until = leased_until - $1::interval",
    "UPDATE channel SET probe_at = probe_at - $1::interval, failing_since = failing_since - $1::interval",
    "UPDATE offer SET answer_by = answer_by - $1::interval",
)


@dataclass(slots=True)
class _Outage:
    """A courier's two halves, and a receiver that is down for six hours and then takes everything."""

    desk: CourierDesk
    now: timedelta = timedelta(0)
    """How long it has lasted."""
    attempts: list[tuple[timedelta, int]] = field(default_factory=list)
    """When and by which channel."""

    async def pass_until(self, end: timedelta) -> None:
        """Go from one moment at which something is due to the next; stop when nothing is due any more."""
        while self.now < end and (due := await self._due()) is not None:
            step = min(max(due, timedelta(0)), end - self.now)
            for statement in _TIME_PASSES:
                await self.desk.pool.execute(statement, step)
            self.now += step
            await self._attempt()

    async def _due(self) -> timedelta | None:
        found: timedelta | None = await self.desk.pool.fetchval(
            "SELECT min(due_at) - clock_timestamp() FROM delivery WHERE due_at IS NOT NULL"
        )
        return found

    async def _attempt(self) -> None:
        registry = Registry(self.desk.transports, self.desk.providers)
        ledger = Ledger(MsgStatus.ACTUAL, BROKER)
        found = await Claimer(self.desk.pool, registry, ledger).claim({HAVEN: 100}, 100)
        self.attempts += [(self.now, claim.course.place) for claim in found.claims]
        if found.claims:
            done = [Done(claim, self._outcome(claim.course.place), 1) for claim in found.claims]
            await Storer(self.desk.pool, registry, ledger).store(done)

    def _outcome(self, place: int) -> Outcome:
        return TryAgain("HTTP_503") if place == 1 and self.now < OUTAGE else Delivered("HTTP_204")


@pytest.mark.parametrize(
    ("priority", "probes_min", "longest"),
    [
        (Priority.P0, 200, timedelta(minutes=5)),
        (Priority.P2, OFFERS * 6, timedelta(hours=1)),
        (Priority.P3, OFFERS * 4, timedelta(hours=5)),
    ],
)
async def test_six_hours_of_5xx_are_at_most_one_probe_a_minute_and_then_everything_arrives(
    desk: CourierDesk, receiver: ScriptedReceiver, priority: Priority, probes_min: int, longest: timedelta
) -> None:
    """Where there is no other way: no flood, no end, an alarm; then it is all there as soon as the plan next tries."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, OFFERS, priority, answer_in=timedelta(hours=24))
    outage = _Outage(desk)
    await outage.pass_until(OUTAGE)
    assert [at for at, _ in outage.attempts[:OFFERS]] == [timedelta(0)] * OFFERS
    probes = [at for at, _ in outage.attempts[OFFERS:]]
    minutes = OUTAGE / timedelta(seconds=limits.channel_probe_seconds)
    assert probes_min <= len(probes) <= minutes + 1, "reliability.md F14: one probe a minute at most"
    gaps = [later - earlier for earlier, later in pairwise(probes)]
    assert min(gaps) > timedelta(seconds=limits.channel_probe_seconds - 10)
    assert await desk.told() == []
    [one] = (await troubled_channels(desk.pool, desk.transports))[1]
    assert one.failures == len(outage.attempts)
    assert one.age_seconds >= OUTAGE.total_seconds() - 60
    await outage.pass_until(OUTAGE + longest * (1 + JITTER) * 2)
    assert await desk.states() == {"DELIVERED": OFFERS}
    assert outage.now <= OUTAGE + longest * (1 + JITTER) + timedelta(seconds=limits.channel_probe_seconds)
    assert len(outage.attempts) == OFFERS + len(probes) + OFFERS
    assert sorted(await desk.told()) == ["delivery.succeeded"] * OFFERS + ["offer.receipted"] * OFFERS
    assert (await troubled_channels(desk.pool, desk.transports))[1] == []


@pytest.mark.parametrize(
    ("priority", "left_by"), [(Priority.P0, timedelta(seconds=10)), (Priority.P2, timedelta(minutes=70))]
)
async def test_with_another_way_the_urgent_ones_leave_a_broken_channel_at_once(
    desk: CourierDesk, receiver: ScriptedReceiver, priority: Priority, left_by: timedelta
) -> None:
    """P0 in seconds, P2 after its hour; nobody waits six."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.channel(HAVEN, 2, None)
    await desk.offers(HAVEN, OFFERS, priority, answer_in=timedelta(hours=9))
    outage = _Outage(desk)
    await outage.pass_until(OUTAGE)
    assert await desk.states() == {"DELIVERED": OFFERS}
    diverted = [at for at, place in outage.attempts if place == 2]
    assert len(diverted) == OFFERS
    assert max(diverted) <= left_by
    assert priority is Priority.P0 or min(diverted) > timedelta(minutes=55)
