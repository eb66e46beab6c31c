"""offer.withdrawn: an offer is taken back; whoever has it deletes what it holds of it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText
from broker.schemas.vocabulary import WithdrawReason


class OfferWithdrawn(EventData):
    """The end of an offer by the broker: somebody else was quicker, or the referral or its consent has ended.

    The provider's adapter closes the offer in the inbox and forgets what it holds of it.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.withdrawn.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "reason": "TAKEN_BY_OTHER"}

    offer_id: OfferIdText
    reason: WithdrawReason
