"""offer.accepted: a human at the provider has said yes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.shapes import Maybe, Moment


class AcceptedBy(CodeList):
    """The role of the person who decided; never a name."""

    STAFF = "STAFF"
    SUPERVISOR = "SUPERVISOR"
    ON_CALL = "ON_CALL"


class OfferAccepted(EventData):
    """An acceptance (A3), published when a person has decided; nothing accepts by itself.

    The first acceptance of a need wins: the broker takes the other offers back, asks the gate again, and releases the
    sealed groups that the consent lets through. `liveTransfer`: whoever accepts calls the worker at once and takes the
    survivor over on the line; `handoff.started` is due next.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.accepted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "offerId": OFFER,
        "acceptedBy": "STAFF",
        "expectedContactBy": "2026-03-04T04:00:00Z",
    }

    offer_id: OfferIdText
    accepted_by: AcceptedBy
    live_transfer: Annotated[bool, InGroup("FG25")] = False
    expected_contact_by: Annotated[Maybe[Moment], InGroup("FG25")] = None
