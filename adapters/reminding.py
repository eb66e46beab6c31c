"""What is special about the way of a reminder: whom it is for, and when nobody needs it any more. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.standing import OPEN, TAKEN, Standing
from adapters.ways import KeptChannel, Way, ways_for
from broker.schemas.event import EventData
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel

_AWAITED_AT = {
    Acknowledgment.A4_CONTACT: frozenset({Standing.ACCEPTED, Standing.HANDOFF, Standing.CONTACT_PENDING}),
    Acknowledgment.A6_OUTCOME: TAKEN,
}
"""Where an offer stands while this is owed; anything else is owed while nobody has said yes or no."""


def reminder_of(row: Mapping[str, Any]) -> OfferReminded | None:
    """The reminder that a delivery's row is about; None where it is about something else."""
    if row["type"] != OfferReminded.TYPE or row["fact"] is None:
        return None
    return OfferReminded.read(row["fact"].encode())


def ways_of(channels: Iterable[KeptChannel], event_type: str, fact: EventData | None) -> list[Way]:
    """The ways of an event in turn: what is for the on-call human (L1) goes there first, where there is one."""
    on_call = isinstance(fact, OfferReminded) and fact.level is EscalationLevel.L1_ON_CALL
    return ways_for(sorted(channels, key=lambda one: not one.on_call) if on_call else channels, event_type)


def is_owed(owed: Acknowledgment, standing: Standing) -> bool:
    """Whether it is still owed: nobody is reminded of what somebody has done."""
    return standing in _AWAITED_AT.get(owed, OPEN)
