"""breakglass.approved: a second person stands for an emergency that a first one has invoked."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.break_glass_vocabulary import BreakGlassIdText, WorkerRefText
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.event import EventData, Flow, Subject


class BreakGlassApproved(EventData):
    """The approval, published by the same source within half an hour (domain.md §5).

    Without it the emergency is void: nothing more goes, and what went is asked back.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.breakglass.approved.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "breakGlassId": BreakGlassInvoked.EXAMPLE["breakGlassId"],
        "approvedBy": "wrk-0c55",
    }

    break_glass_id: BreakGlassIdText
    approved_by: WorkerRefText
