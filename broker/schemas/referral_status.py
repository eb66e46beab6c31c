"""referral.status: where a need of a referral stands: coarse for any source, in more words only by release."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.field_groups import InGroup
from broker.schemas.shapes import Maybe
from broker.schemas.vocabulary import Acknowledgment, CoarseState, DeclineFamily, NeedState, RecipientCategory


class ReferralStatus(EventData):
    """A step of one need, published by the broker to the referral's source.

    `coarse` and acknowledgments up to A2 say nothing about the person. `state`, A3 and above, and `declineFamily` are
    status feedback (FG25): present only where the survivor released it to this source (VAWA-12).
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.status.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"category": "SHELTER", "coarse": "IN_PROGRESS", "acknowledgment": "A2"}

    category: RecipientCategory
    coarse: CoarseState
    state: Annotated[Maybe[NeedState], InGroup("FG25")] = None
    acknowledgment: Annotated[Maybe[Acknowledgment], InGroup("FG25")] = None
    decline_family: Annotated[Maybe[DeclineFamily], InGroup("FG25")] = None
