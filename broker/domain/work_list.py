"""Why something waits for a human, how old it may grow before that is an alarm, and what a human can decide.

The lists are closed: a reason is a code of the one who raises it, and a decision says what happens then.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from broker.domain.lifecycle import NEED, is_terminal
from broker.schemas.code_list import CodeList
from broker.schemas.vocabulary import NeedState, Priority


class Waiting(CodeList):
    """Why something waits for a human."""

    OFFER_UNSEEN = "OFFER_UNSEEN"
    COORDINATOR_NEEDED = "COORDINATOR_NEEDED"
    NOBODY_LEFT = "NOBODY_LEFT"
    MANAGER_NEEDED = "MANAGER_NEEDED"
    EXPIRED_UNTAKEN = "EXPIRED_UNTAKEN"
    UNREACHABLE = "UNREACHABLE"
    KEYS_OVERDUE = "KEYS_OVERDUE"
    HANDOFF_OVERDUE = "HANDOFF_OVERDUE"
    CONTACT_OVERDUE = "CONTACT_OVERDUE"
    OUTCOME_OVERDUE = "OUTCOME_OVERDUE"
    DEADLINE_FAILED = "DEADLINE_FAILED"
    CLOCK_HELD = "CLOCK_HELD"


class Resolution(CodeList):
    """What a human has decided; each does what it says."""

    HANDLED = "HANDLED"
    """It is taken care of; the need goes on as it stands."""
    SEEK_AGAIN = "SEEK_AGAIN"
    """Ask the network again, now: somebody has joined, or places have come free."""
    CLOSE_UNMET = "CLOSE_UNMET"
    """Close the need as unmet, for a coded reason; the source is told of the closure."""


class UnmetReason(CodeList):
    """Why a need stays unmet (L5, domain.md §10.4): counted, so that the network can grow where it fails."""

    NO_CAPACITY = "NO_CAPACITY"
    NO_PROVIDER = "NO_PROVIDER"
    NO_ANSWER = "NO_ANSWER"
    NO_CONSENT = "NO_CONSENT"
    HELPED_OUTSIDE = "HELPED_OUTSIDE"


_WITH_ITS_NEED: Final = frozenset(
    {
        *(Waiting.OFFER_UNSEEN, Waiting.COORDINATOR_NEEDED, Waiting.NOBODY_LEFT, Waiting.MANAGER_NEEDED),
        *(Waiting.KEYS_OVERDUE, Waiting.HANDOFF_OVERDUE, Waiting.CONTACT_OVERDUE, Waiting.OUTCOME_OVERDUE),
        *("UNDELIVERED", "PAYLOAD_SHREDDED"),
    }
)
"""What nobody has to do any more once the need is over. What was handed over, a key that was stolen, an emergency and
a defect of the broker's are to be answered for all the same."""
_AFTER_IT: Final = frozenset({Waiting.EXPIRED_UNTAKEN, Waiting.UNREACHABLE})
"""What a need leaves behind that ended so: a person is still out there, until its source says otherwise."""


SETTLED_AT: Final[Mapping[NeedState, frozenset[str]]] = {
    state: _WITH_ITS_NEED if state in (NeedState.EXPIRED, NeedState.UNREACHABLE) else _WITH_ITS_NEED | _AFTER_IT
    for state in NeedState
    if is_terminal(NEED, state)
}
"""By the state in which a need has ended: the reasons for which nobody has to look at it any more."""

_SEEKING: Final = frozenset(
    {
        *(Waiting.OFFER_UNSEEN, Waiting.COORDINATOR_NEEDED, Waiting.NOBODY_LEFT, Waiting.MANAGER_NEEDED),
        *(Waiting.EXPIRED_UNTAKEN, Waiting.KEYS_OVERDUE, Waiting.DEADLINE_FAILED, Waiting.CONTACT_OVERDUE),
        Waiting.HANDOFF_OVERDUE,
    }
)
"""Somebody waits for help: how long it may lie depends on how urgent that is."""

_BY_PRIORITY: Final = {
    Priority.P0: timedelta(minutes=15),
    Priority.P1: timedelta(hours=1),
    Priority.P2: timedelta(hours=8),
    Priority.P3: timedelta(days=2),
}
_BY_REASON: Final[dict[str, timedelta]] = {
    Waiting.UNREACHABLE: timedelta(hours=8),
    Waiting.OUTCOME_OVERDUE: timedelta(days=3),
    Waiting.CLOCK_HELD: timedelta(minutes=5),
    "REVOCATION_UNANSWERED": timedelta(hours=8),
    "BREAK_GLASS_USED": timedelta(days=1),
    "BREAK_GLASS_UNAPPROVED": timedelta(hours=1),
    "BREAK_GLASS_UNREVIEWED": timedelta(days=1),
    "PAYLOAD_SHREDDED": timedelta(hours=8),
    "KEY_REVOKED": timedelta(hours=1),
}


def age_max(reason: str, priority: Priority) -> timedelta:
    """How old an item may grow on the list before that is an alarm."""
    return _BY_PRIORITY[priority] if reason in _SEEKING else _BY_REASON.get(reason, timedelta(hours=8))
