"""A channel's breaker: opens after failures in a row, lets one probe a minute through, closes on success.

Pure, as sums: what a batch of outcomes adds to a channel, whatever the row says by now, so that couriers that store at
once do not overwrite each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from adapters.transports.transport import Outcome, Refused, TryAgain


@dataclass(frozen=True, slots=True)
class Toll:
    """What some outcomes, in their order, mean for their channel."""

    answered: bool
    """The other side has answered in between, be it with a no: the count begins anew."""
    failed: int
    """Failures in a row since then."""
    paused: str | None
    """Why nothing is to be sent any more until a person has looked at it."""
    asked: timedelta | None
    """How long the other side asked not to be tried, the longest since it last answered."""


def toll(outcomes: Iterable[Outcome]) -> Toll:
    """The sum of these outcomes."""
    answered, failed, paused = False, 0, None
    asked: timedelta | None = None
    for outcome in outcomes:
        if isinstance(outcome, TryAgain):
            failed += 1
            asked = max((one for one in (asked, outcome.after) if one is not None), default=None)
            continue
        answered, failed, asked = True, 0, None
        if isinstance(outcome, Refused) and outcome.pause:
            paused = paused or outcome.code
    return Toll(answered, failed, paused, asked)
