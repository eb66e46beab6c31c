"""What a Task's status may become, who may set it, and which one stands for where an offer stands (domain.md §9.2).

The table of transitions is the one of the SDOHCC guide. Nothing is written and nothing is believed outside it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from adapters.standing import Standing


class TaskStatus(StrEnum):
    """The statuses of a referral's Task: R4's without `ready` and `received`."""

    DRAFT = "draft"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


T = TaskStatus
S = Standing

_ENDS: Final = frozenset({T.CANCELLED, T.COMPLETED, T.FAILED})

NEXT: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = {
    T.DRAFT: frozenset({T.REQUESTED}),
    T.REQUESTED: frozenset({T.ACCEPTED, T.REJECTED, T.CANCELLED}),
    T.ACCEPTED: frozenset({T.IN_PROGRESS, T.ON_HOLD}) | _ENDS,
    T.IN_PROGRESS: frozenset({T.ON_HOLD}) | _ENDS,
    T.ON_HOLD: frozenset({T.IN_PROGRESS}) | _ENDS,
    T.REJECTED: frozenset(),
    T.CANCELLED: frozenset(),
    T.FAILED: frozenset(),
    T.COMPLETED: frozenset(),
    T.ENTERED_IN_ERROR: frozenset(),
}
"""Whoever requested it may also say of any of them that it was entered in error; we never do."""

STANDS_FOR: Final[Mapping[Standing, tuple[TaskStatus, ...]]] = {
    S.WAITING: (T.REQUESTED,),
    S.WAITLISTED: (T.ACCEPTED,),
    S.ACCEPTED: (T.ACCEPTED, T.IN_PROGRESS),
    S.HANDOFF: (T.IN_PROGRESS, T.ACCEPTED),
    S.CONTACT_PENDING: (T.ACCEPTED, T.IN_PROGRESS),
    S.ENGAGED: (T.IN_PROGRESS, T.ACCEPTED),
    S.IN_SERVICE: (T.IN_PROGRESS, T.ACCEPTED),
    S.COMPLETED: (T.COMPLETED,),
    S.ENDED_EARLY: (T.FAILED,),
    S.UNREACHABLE: (T.FAILED,),
    S.SURVIVOR_DECLINED: (T.FAILED,),
    S.DECLINED: (T.REJECTED, T.CANCELLED),
    S.GIVEN_BACK: (T.CANCELLED,),
    S.EXPIRED: (T.CANCELLED,),
    S.WITHDRAWN: (T.CANCELLED,),
}
"""Where an offer stands, as its child Task says it; the first that the Task may become is taken. A provider that had
a place in its queue and then says no has a Task that was accepted before: rejecting it is not possible any more."""


def may_become(now: TaskStatus, then: TaskStatus) -> bool:
    """Whether a Task may be in `then` after `now`, the same included."""
    return then is now or then in NEXT[now]


def toward(now: TaskStatus, standing: Standing) -> TaskStatus | None:
    """The status to write for a standing, given the Task's own; None where no permitted one says it."""
    return next((status for status in STANDS_FOR[standing] if may_become(now, status)), None)


def status_of(value: object) -> TaskStatus | None:
    """The status that a Task of somebody else says; None where the profile knows none such."""
    return next((status for status in TaskStatus if status.value == value), None)
