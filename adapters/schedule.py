"""When a delivery is tried again, and when the next channel is taken, by urgency: one table (reliability.md §1).

Pure: the moment and the draw for the jitter come in as arguments, so that years can be tried out in a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from broker import limits
from broker.schemas.vocabulary import Priority


@dataclass(frozen=True, slots=True)
class Plan:
    """How one urgency is delivered."""

    waits: tuple[timedelta, ...]
    """Before the second attempt by a channel, the third, and so on; the last one again and again."""
    divert_after: timedelta
    """After how long the next channel is taken."""
    around_breaker: bool = False
    """Whether a channel that is known to be failing is left at once."""


def _minutes(*numbers: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=number) for number in numbers)


_FIVE_SECONDS: Final = 5 / 60

IMMEDIATE: Final = Plan(_minutes(_FIVE_SECONDS, 0.5, 2, 5), timedelta(minutes=5), around_breaker=True)
URGENT: Final = Plan(_minutes(_FIVE_SECONDS, 1, 5, 15, 30, 60), timedelta(hours=1))
ROUTINE: Final = Plan(_minutes(_FIVE_SECONDS, 5, 30, 120, 300, 600, 600), timedelta(hours=5))

PLANS: Final[Mapping[Priority, Plan]] = {
    Priority.P0: IMMEDIATE,
    Priority.P1: IMMEDIATE,
    Priority.P2: URGENT,
    Priority.P3: ROUTINE,
}

JITTER: Final = 0.2
"""Each wait is longer or shorter by up to this share, so that what failed together does not return together."""

PROBE_EVERY: Final = timedelta(seconds=limits.channel_probe_seconds)
LEASE: Final = timedelta(seconds=limits.lease_seconds)
SOON: Final = timedelta(seconds=1)
"""When to look again at a channel whose probe another courier is making."""

_ASKED_MIN: Final = timedelta(seconds=limits.retry_after_seconds_min)
_ASKED_MAX: Final = timedelta(seconds=limits.retry_after_seconds_max)


def plan_of(priority: Priority | None) -> Plan:
    """The plan for a priority; for what has none, that of the urgent."""
    return URGENT if priority is None else PLANS[priority]


def wait(plan: Plan, tries: int, draw: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after `tries` attempts by this channel (1 or more). `draw` is at random from 0 up to 1.

    `asked` is what the receiver wants instead: never less than that, within bounds.
    """
    if asked is not None:
        return asked_wait(asked) * (1 + JITTER * draw)
    return plan.waits[min(tries, len(plan.waits)) - 1] * (1 + JITTER * (2 * draw - 1))


def asked_wait(asked: timedelta) -> timedelta:
    """How long a receiver is left alone that asks for it, within bounds."""
    return min(max(asked, _ASKED_MIN), _ASKED_MAX)


def soonest(*moments: datetime | None) -> datetime:
    """The first of these moments, those that are not set apart; one must be."""
    return min(moment for moment in moments if moment is not None)
