"""offer.receipted: somebody's system or a human has seen the offer; it says nothing about the person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class OfferReceipted(EventData):
    """A receipt (A2), published by a provider's adapter as soon as the offer is stored.

    The broker notes it and may tell the source: a receipt is no disclosure.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.receipted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER}

    offer_id: OfferIdText
