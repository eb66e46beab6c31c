"""How a referral stands as a whole: a pure function of how its needs stand, stored nowhere (docs/decisions/0150).

Its furthest open need speaks for it; where none is open any more, its best end.
"""

from collections.abc import Iterable
from typing import Final

from broker.domain.lifecycle import NEED, is_terminal
from broker.schemas.vocabulary import NeedState


def _in_order(names: str) -> tuple[NeedState, ...]:
    return tuple(NeedState(name) for name in names.split())


_OPEN: Final = _in_order(
    "IN_SERVICE ENGAGED HANDOFF CONTACT_PENDING ACCEPTED WAITLISTED OFFERED MATCHING NO_MATCH CONSENT_HOLD SUBMITTED"
    " DRAFT"
)
"""From the furthest on."""
_ENDS: Final = _in_order(
    "COMPLETED ENDED_EARLY UNREACHABLE SURVIVOR_DECLINED CLOSED_UNMET EXPIRED REVOKED CANCELLED INVALID"
)
"""From the best on: what came of it says more than why nothing did."""
_UNBEGUN: Final = frozenset(_in_order("DRAFT SUBMITTED CONSENT_HOLD INVALID"))


def whole(states: Iterable[NeedState]) -> NeedState:
    """The referral's own state, from those of its needs (at least one).

    A mistake is of the referral, not of one need (docs/decisions/0126). Where one need has gone further and ended, a
    need that has not begun yet does not take the whole back: to whoever asks, it is being worked on.
    """
    found = frozenset(states)
    if NeedState.ENTERED_IN_ERROR in found:
        return NeedState.ENTERED_IN_ERROR
    still_open = [state for state in found if not is_terminal(NEED, state)]
    if not still_open:
        return min(found, key=_ENDS.index)
    furthest = min(still_open, key=_OPEN.index)
    return NeedState.MATCHING if furthest in _UNBEGUN and not found <= _UNBEGUN else furthest
