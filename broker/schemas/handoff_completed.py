"""handoff.completed: the survivor was passed on live, and is in touch with the provider."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class HandoffCompleted(EventData):
    """The end of a live transfer that came about (A4), published by the provider that accepted.

    The broker moves the need on and sets the deadline for an outcome, as for any contact.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.handoff.completed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER}

    offer_id: OfferIdText
