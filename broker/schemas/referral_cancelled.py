"""referral.cancelled: the source takes its referral back, with a coded reason."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject


class CancelReason(CodeList):
    """Why a source takes a referral back. No code blames the survivor."""

    SURVIVOR_WITHDREW = "SURVIVOR_WITHDREW"
    SOURCE_WITHDREW = "SOURCE_WITHDREW"
    SAFE_ELSEWHERE = "SAFE_ELSEWHERE"


class ReferralCancelled(EventData):
    """The end of a referral by its source, published at any time before the service has begun.

    The broker takes open offers back and closes every need that is still open. What should never have gone out is taken
    back by `referral.recalled`.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.cancelled.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "SAFE_ELSEWHERE"}

    reason: CancelReason
