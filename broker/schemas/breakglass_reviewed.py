"""breakglass.reviewed: what the review of an emergency found."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.break_glass_vocabulary import BreakGlassIdText, ReviewOutcome, SubjectInformed, WorkerRefText
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.event import EventData, Flow, Subject


class BreakGlassReviewed(EventData):
    """The review by somebody who did not invoke it, published by the same source; a later one counts instead.

    While one of a source's reviews is overdue, it can break no glass (domain.md §5).
    """

    TYPE: ClassVar[str] = "org.warmhandoff.breakglass.reviewed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "breakGlassId": BreakGlassInvoked.EXAMPLE["breakGlassId"],
        "reviewedBy": "wrk-a3d9",
        "outcome": "JUSTIFIED",
        "subjectInformed": "YES",
    }

    break_glass_id: BreakGlassIdText
    reviewed_by: WorkerRefText
    outcome: ReviewOutcome
    subject_informed: SubjectInformed
