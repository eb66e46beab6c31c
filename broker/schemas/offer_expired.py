"""offer.expired: an offer's deadline has passed without an answer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class OfferExpired(EventData):
    """The end of an offer by its own deadline, published by the broker when it asks somebody else.

    The provider's adapter closes the offer in the inbox.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.expired.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER}

    offer_id: OfferIdText
