"""contact.made: the survivor is in touch with the provider."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class ContactMade(EventData):
    """Contact (A4), published by the provider that accepted.

    The broker moves the need on and sets the deadline for an outcome.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.contact.made.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER}

    offer_id: OfferIdText
