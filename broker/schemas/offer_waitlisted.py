"""offer.waitlisted: a provider has no place now but keeps one in its queue."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.shapes import Maybe, Moment


class OfferWaitlisted(EventData):
    """A place in the queue (A3), published when a person has decided.

    The broker keeps the offer open and goes on asking others.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.waitlisted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "expectedBy": "2026-03-07T12:00:00Z"}

    offer_id: OfferIdText
    expected_by: Annotated[Maybe[Moment], InGroup("FG25")] = None
