"""handoff.started: provider and worker are on one line, and the survivor with them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.offer_accepted import AcceptedBy


class PickedUp(CodeList):
    """Who picked up at the number that the offer gave: a role, never a name."""

    WORKER = "WORKER"
    BACKUP = "BACKUP"


class HandoffStarted(EventData):
    """A live transfer has begun, published by the provider that accepted it live.

    The broker sets the deadline for its end: contact is due. Where it waits for the transfer no longer, it notes it.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.handoff.started.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "takenBy": "ON_CALL", "pickedUp": "WORKER"}

    offer_id: OfferIdText
    taken_by: Annotated[AcceptedBy, InGroup("FG25")]
    picked_up: Annotated[PickedUp, InGroup("FG25")]
