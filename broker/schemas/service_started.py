"""service.started: the service has begun."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.vocabulary import Service


class ServiceStarted(EventData):
    """The start of a service (A5), published by the provider that accepted.

    The broker moves the need on; from here a revocation only stops what the source is told.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.service.started.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "service": "EMERGENCY_SHELTER"}

    offer_id: OfferIdText
    service: Annotated[Service, InGroup("FG25")]
