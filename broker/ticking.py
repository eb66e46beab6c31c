"""Deadlines follow the database's clock, and a step of that clock does not let them pass by the hundred (F9).

A process's own clock, which nobody sets, tells whether the database's has run evenly since the last tick. A step that
would let more pass than a night's work does holds every deadline, alarms, and ends by a human's word, by the clock
being set right, or when it has run evenly for ten minutes. A process that has only started has seen no step.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from broker.limits import clock_hold_seconds, clock_step_floor, clock_step_seconds_max, clock_step_share_max
from broker.schemas.ids import OrgId
from broker.sql.bulk import Connection
from broker.store import ticks
from broker.store.ticks import Tick

log = logging.getLogger(__name__)


def own_clock() -> float:
    """Seconds since this machine started, its sleep included where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ClockGuard:
    """One process's watch over the database's clock."""

    def __init__(self, owner: OrgId, own: Callable[[], float] = own_clock) -> None:
        self.own = own
        self._owner = owner
        self._before: tuple[datetime, float] | None = None

    async def holds(self, connection: Connection, now: datetime, asked_at: float) -> bool:
        """Whether deadlines are held at `now`, which the database said when it was asked at `asked_at` (own clock)."""
        step = self._step(now, asked_at)
        known = await ticks.last_tick(connection)
        await ticks.note_tick(connection, known, now)
        if step:
            log.warning("the database's clock stepped by %+.0f s", step)
        if known.held_at is not None:
            return await self._still_holds(connection, known, now, step)
        if step <= 0 or not await self._excessive(connection, now):
            return False
        if await ticks.hold(connection, now, step, self._owner):
            log.error("deadlines are held: that step would let too many pass; see `handoff status`")
        return True

    def _step(self, now: datetime, asked_at: float) -> float:
        """By how many seconds the clock stepped since the last tick, at least; 0 where that may be mere slowness."""
        before, self._before = self._before, (now, asked_at)
        if before is None:
            return 0
        passed, answered_at = (now - before[0]).total_seconds(), self.own()
        ahead, behind = passed - (answered_at - before[1]), passed - (asked_at - before[1])
        if ahead > clock_step_seconds_max:
            return ahead
        return behind if behind < -clock_step_seconds_max else 0

    async def _excessive(self, connection: Connection, now: datetime) -> bool:
        passed, known = await ticks.open_deadlines(connection, now)
        return passed > max(clock_step_floor, clock_step_share_max * known)

    async def _still_holds(self, connection: Connection, known: Tick, now: datetime, step: float) -> bool:
        assert known.held_at is not None
        if not await self._excessive(connection, now):
            return not await self._release(connection, now, "set right again")
        if step:
            await ticks.hold_anew(connection, now, step)
            return True
        if now - known.held_at >= timedelta(seconds=clock_hold_seconds):
            return not await self._release(connection, now, "ran evenly since")
        return True

    async def _release(self, connection: Connection, now: datetime, why: str) -> bool:
        """Whoever comes second finds it released, and holds for one tick more."""
        released = await ticks.release(connection, now, self._owner, why)
        if released:
            log.warning("deadlines are worked again: the database's clock %s", why)
        return released
