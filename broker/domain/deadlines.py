"""When something must have happened: each rung of the ladder and each wait has a moment, by priority (domain.md §10.3).

Times are UTC. Business days are those of whoever owes the step; Monday to Friday in UTC where it has said nothing else.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from broker.domain.calendar import USUAL, BusinessCalendar
from broker.domain.pack import PolicyPack, Span, Timers
from broker.schemas.vocabulary import Acknowledgment, Priority

Wait = Literal["referral_expiry", "hold", "awaiting_keys", "revocation", "handoff_begun", "handoff_ended"]
"""What is waited for beside an acknowledgment: anybody to take it on, a consent, the source's wrapped keys, a
recipient's word that it has given up what was taken back, a live transfer's beginning and its end."""

_RUNG: Final = {
    Acknowledgment.A1_DELIVERED: "delivered",
    Acknowledgment.A2_RECEIPTED: "receipted",
    Acknowledgment.A3_DECIDED: "decided",
    Acknowledgment.A4_CONTACT: "contact",
    Acknowledgment.A6_OUTCOME: "outcome",
}


def deadline(
    pack: PolicyPack,
    rung: Acknowledgment | Wait,
    priority: Priority,
    since: datetime,
    calendar: BusinessCalendar = USUAL,
) -> datetime:
    """The moment, in UTC, by which this must have happened if it is awaited since `since` (aware).

    `calendar` is that of whoever owes it.

    Raises:
        ValueError: the rung has no deadline of its own (A0, A5), or `since` has no time zone.
    """
    name = _RUNG.get(rung) if isinstance(rung, Acknowledgment) else rung
    if name is None:
        raise ValueError("this rung of the ladder has no deadline")
    if since.tzinfo is None:
        raise ValueError("a deadline counts from a time with a zone")
    return after(since.astimezone(UTC), _span(pack.timers[priority], name), calendar)


def _span(timers: Timers, name: str) -> Span:
    span = getattr(timers, name)
    assert isinstance(span, Span)
    return span


@lru_cache(maxsize=1024)
def after(since: datetime, span: Span, calendar: BusinessCalendar = USUAL) -> datetime:
    """`since` (UTC) plus a span. A business day ends at the same time of the next day that is one.

    A batch asks for the same few moments again and again.
    """
    moment = since + timedelta(seconds=span.seconds)
    return calendar.later(moment, span.business_days) if span.business_days else moment


def raised(one: Priority, other: Priority) -> Priority:
    """The more urgent of two priorities; P0 is the most urgent. Nothing is ever lowered (domain.md §6.5)."""
    return min(one, other)
