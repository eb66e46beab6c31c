"""Where an offer stands at this provider, and which answer leads where: one table, and nothing happens outside it.

The broker decides; this table keeps people from sending what it would refuse, and says so at once. Where the broker's
word and ours differ, the broker's holds.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from broker.schemas.contact_attempted import ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.refusal import RefusalCode
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted


class Standing(StrEnum):
    """An offer as this provider sees it: its state, and after acceptance the need's (domain.md §10.1, §10.2)."""

    WAITING = "WAITING"
    WAITLISTED = "WAITLISTED"
    ACCEPTED = "ACCEPTED"
    """Accepted with a live transfer that has not begun."""
    HANDOFF = "HANDOFF"
    CONTACT_PENDING = "CONTACT_PENDING"
    ENGAGED = "ENGAGED"
    IN_SERVICE = "IN_SERVICE"
    COMPLETED = "COMPLETED"
    ENDED_EARLY = "ENDED_EARLY"
    UNREACHABLE = "UNREACHABLE"
    SURVIVOR_DECLINED = "SURVIVOR_DECLINED"
    DECLINED = "DECLINED"
    GIVEN_BACK = "GIVEN_BACK"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


S = Standing

OPEN: Final = frozenset({S.WAITING, S.WAITLISTED})
"""A person has still to say yes or no."""
TAKEN: Final = frozenset({S.ACCEPTED, S.HANDOFF, S.CONTACT_PENDING, S.ENGAGED, S.IN_SERVICE})
"""Accepted and under way: what was released may be opened."""
OVER: Final = frozenset(Standing) - OPEN - TAKEN
"""Nothing follows; what is held of the offer is forgotten."""

ANSWERS: Final[Mapping[type[EventData], Mapping[Standing, Standing]]] = {
    OfferReceipted: {S.WAITING: S.WAITING},
    OfferAccepted: {S.WAITING: S.CONTACT_PENDING, S.WAITLISTED: S.CONTACT_PENDING},
    OfferDeclined: {
        S.WAITING: S.DECLINED,
        S.WAITLISTED: S.DECLINED,
        S.ACCEPTED: S.GIVEN_BACK,
        S.CONTACT_PENDING: S.GIVEN_BACK,
        S.ENGAGED: S.GIVEN_BACK,
    },
    OfferWaitlisted: {S.WAITING: S.WAITLISTED},
    ContactAttempted: {S.CONTACT_PENDING: S.CONTACT_PENDING},
    ContactMade: {S.CONTACT_PENDING: S.ENGAGED, S.HANDOFF: S.ENGAGED},
    ContactUnreachable: {S.CONTACT_PENDING: S.UNREACHABLE},
    HandoffStarted: {S.ACCEPTED: S.HANDOFF},
    HandoffCompleted: {S.HANDOFF: S.ENGAGED},
    HandoffFailed: {S.ACCEPTED: S.CONTACT_PENDING, S.HANDOFF: S.CONTACT_PENDING},
    ServiceStarted: {S.ENGAGED: S.IN_SERVICE},
    ServiceCompleted: {S.IN_SERVICE: S.COMPLETED},
    ServiceEnded: {
        S.CONTACT_PENDING: S.SURVIVOR_DECLINED,
        S.ENGAGED: S.SURVIVOR_DECLINED,
        S.IN_SERVICE: S.ENDED_EARLY,
    },
}
"""Each answer: from where it may be given, and where it leads."""

LIVE: Final[Mapping[Standing, Standing]] = {S.WAITING: S.ACCEPTED, S.WAITLISTED: S.ACCEPTED}
"""Where an acceptance leads that promises a live transfer."""

REFUSED_TO: Final[Mapping[RefusalCode, Standing]] = {
    RefusalCode.OFFER_TAKEN: S.WITHDRAWN,
    RefusalCode.OFFER_WITHDRAWN: S.WITHDRAWN,
    RefusalCode.OFFER_EXPIRED: S.EXPIRED,
}
"""Where the broker's refusal of an answer leaves the offer; by any other code it stands where it stood before."""

_WHY_NOT: Final[Mapping[Standing, RefusalCode]] = {
    S.EXPIRED: RefusalCode.OFFER_EXPIRED,
    S.WITHDRAWN: RefusalCode.OFFER_WITHDRAWN,
    S.DECLINED: RefusalCode.OFFER_ALREADY_ANSWERED,
    S.GIVEN_BACK: RefusalCode.OFFER_ALREADY_ANSWERED,
}

_DECIDES: Final = frozenset({OfferAccepted, OfferDeclined, OfferWaitlisted})


def after(standing: Standing, answer: type[EventData]) -> Standing | None:
    """Where an answer leads from here; None where it is not possible."""
    return ANSWERS.get(answer, {}).get(standing)


def possible_later(standing: Standing, answer: type[EventData]) -> bool:
    """Whether an answer that is not possible from here may become so by others that come first."""
    seen, found = {standing}, [standing]
    while found:
        at = found.pop()
        ways = (*(ways.get(at) for ways in ANSWERS.values()), LIVE.get(at))
        new = {way for way in ways if way is not None} - seen
        seen |= new
        found += new
    return any(after(one, answer) is not None for one in seen)


def why_not(standing: Standing, answer: type[EventData]) -> RefusalCode:
    """The code that the broker would refuse this answer with, so that a person hears the same words from both."""
    if standing in TAKEN and answer in _DECIDES:
        return RefusalCode.OFFER_ALREADY_ANSWERED
    return _WHY_NOT.get(standing, RefusalCode.TRANSITION_IMPOSSIBLE)
