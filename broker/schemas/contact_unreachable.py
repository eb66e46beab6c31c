"""contact.unreachable: the agreed attempts are used up without contact."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText


class ContactUnreachable(EventData):
    """The end of trying, published by the provider that accepted.

    The broker closes the need and puts it before a human, because a person is still out there.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.contact.unreachable.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "attempts": 3}

    offer_id: OfferIdText
    attempts: Annotated[int, Field(ge=1, le=20), InGroup("FG25")]
