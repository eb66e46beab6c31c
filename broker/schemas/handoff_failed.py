"""handoff.failed: the live transfer did not come about; contact is made as usual."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText


class HandoffFailure(CodeList):
    """Why it did not come about. No code blames the survivor, and none says who else was there."""

    NO_ANSWER = "NO_ANSWER"
    CUT_OFF = "CUT_OFF"
    NOT_SAFE_TO_TALK = "NOT_SAFE_TO_TALK"
    NOT_NOW = "NOT_NOW"
    NO_INTERPRETER = "NO_INTERPRETER"
    NOBODY_FREE = "NOBODY_FREE"


class HandoffFailed(EventData):
    """The end of a live transfer that did not come about, begun or not, published by the provider that accepted.

    The broker sets the deadline for contact; the provider still has the need.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.handoff.failed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "reason": "NO_ANSWER"}

    offer_id: OfferIdText
    reason: Annotated[HandoffFailure, InGroup("FG25")]
