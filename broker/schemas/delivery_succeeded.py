"""delivery.succeeded: a provider's own system has an offer; it says nothing about the person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class DeliverySucceeded(EventData):
    """The delivery of an offer to where the provider wants to be reached (A1), published by the provider's zone.

    By which way is not said: the broker need not know which systems a provider has.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.delivery.succeeded.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER}

    offer_id: OfferIdText
