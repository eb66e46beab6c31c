"""service.completed: the service came to an outcome."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.vocabulary import Outcome


class ServiceCompleted(EventData):
    """The outcome (A6), published by the provider that accepted, as a code.

    The broker closes the need as completed.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.service.completed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "outcome": "SHELTERED"}

    offer_id: OfferIdText
    outcome: Annotated[Outcome, InGroup("FG25")]
