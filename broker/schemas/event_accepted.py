"""event.accepted: the broker has durably taken an event (A0); it says nothing about the person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import EVENT
from broker.schemas.ids import EventIdText


class EventAccepted(EventData):
    """A receipt, published by the broker in the transaction that took the event; its subject is that event's.

    `duplicate` says that the same event had been taken before and took no second effect.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.event.accepted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.ANY
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"eventId": EVENT, "duplicate": False}

    event_id: EventIdText
    duplicate: bool = False
