"""A channel's breaker: opens after failures in a row, lets one probe a minute through, closes on success.

Pure, as sums: what a batch of outcomes adds to a channel, whatever the row says by now, so that couriers that store at
once do not overwrite each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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


def toll(outcomes: Iterable[Outcome]) -> Toll:
    """The sum of these outcomes."""
    answered, failed, paused = False, 0, None
    for outcome in outcomes:
        if isinstance(outcome, TryAgain):
            failed += 1
            continue
        answered, failed = True, 0
        if isinstance(outcome, Refused) and outcome.pause:
            paused = paused or outcome.code
    return Toll(answered, failed, paused)
