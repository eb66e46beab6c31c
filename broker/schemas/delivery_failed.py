"""delivery.failed: something for a provider could not be handed over by any of its ways, and is not tried any more."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class DeliveryFailure(CodeList):
    """Why a provider could not be reached, without a word about its systems."""

    NO_WAY = "NO_WAY"
    """No channel is there that would carry it, or all of them are paused until a person has looked at them."""
    REFUSED = "REFUSED"
    """The last of its channels does not take it."""
    TOO_LATE = "TOO_LATE"
    """It did not arrive before it was of no use any more."""


class DeliveryFailed(EventData):
    """The end of trying to reach a provider, published by its zone; the event's `causationid` is what did not arrive.

    An offer that nobody there has seen ends, and the next provider that the consent reaches is asked. Where the
    provider has accepted already, a human is told.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.delivery.failed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "code": "REFUSED"}

    offer_id: OfferIdText
    code: DeliveryFailure
