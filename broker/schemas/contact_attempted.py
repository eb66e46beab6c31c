"""contact.attempted: a provider has tried to reach the survivor, inside the agreed windows."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText


class AttemptOutcome(CodeList):
    """What came of one attempt. Who else answered is never told."""

    NO_ANSWER = "NO_ANSWER"
    OUTSIDE_WINDOW_SKIPPED = "OUTSIDE_WINDOW_SKIPPED"
    LINE_BUSY = "LINE_BUSY"
    UNSAFE_ENDED = "UNSAFE_ENDED"


class ContactAttempted(EventData):
    """One attempt at contact, published by the provider that accepted.

    The broker notes it; contact stays pending.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.contact.attempted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "attempt": 1, "outcome": "NO_ANSWER"}

    offer_id: OfferIdText
    attempt: Annotated[int, Field(ge=1, le=20), InGroup("FG25")]
    outcome: Annotated[AttemptOutcome, InGroup("FG25")]
