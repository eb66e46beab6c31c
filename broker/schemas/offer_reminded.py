"""offer.reminded: something is owed of an offer and has not come; whoever answers for it is told once more."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText
from broker.schemas.shapes import Moment
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel


class OfferReminded(EventData):
    """A step of the ladder (domain.md §10.4), published by the broker to the provider that was asked.

    `level` says whom it is for: the offer's contact (L0) or the provider's on-call human (L1). `owed` is the
    acknowledgment that has not come, and `dueAt` when it is due or was.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.reminded.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "offerId": OFFER,
        "level": "L0",
        "owed": "A3",
        "dueAt": "2026-03-04T02:20:00Z",
    }

    offer_id: OfferIdText
    level: Literal[EscalationLevel.L0_CONTACT, EscalationLevel.L1_ON_CALL]
    owed: Acknowledgment
    due_at: Moment
