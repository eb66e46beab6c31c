"""referral.closed: a need of a referral has ended: that it has, for any source; how, only by release."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.field_groups import InGroup
from broker.schemas.shapes import Maybe
from broker.schemas.vocabulary import CoarseState, NeedState, Outcome, RecipientCategory, SurvivorClosure


class ReferralClosed(EventData):
    """The end of one need, published by the broker to the referral's source.

    `state`, `outcome` and `closure` are status feedback (FG25): present only where the survivor released it to this
    source (VAWA-12).
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.closed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"category": "SHELTER", "coarse": "CLOSED"}

    category: RecipientCategory
    coarse: CoarseState
    state: Annotated[Maybe[NeedState], InGroup("FG25")] = None
    outcome: Annotated[Maybe[Outcome], InGroup("FG25")] = None
    closure: Annotated[Maybe[SurvivorClosure], InGroup("FG25")] = None
