"""service.ended: it ended before completion, or the survivor chose otherwise."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.vocabulary import SurvivorClosure


class ServiceEnded(EventData):
    """An end that is no outcome, published by the provider that accepted, as a code from the survivor's side.

    The broker closes the need. Codes that only a provider's own zone may hold do not exist here.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.service.ended.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "closure": "NO_LONGER_NEEDED"}

    offer_id: OfferIdText
    closure: Annotated[SurvivorClosure, InGroup("FG25")]
