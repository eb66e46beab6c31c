"""breakglass.invoked: a worker opens one referral to one provider in an emergency, before anybody could be asked."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.break_glass_vocabulary import (
    BreakableGroups,
    BreakGlassBasis,
    BreakGlassIdText,
    BreakGlassReason,
    NarrativeRefText,
    SubjectInformed,
    WorkerRefText,
)
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import SHELTER
from broker.schemas.field_groups import Marked
from broker.schemas.ids import OrgIdText
from broker.schemas.shapes import Moment
from broker.schemas.vocabulary import RecipientCategory


class BreakGlassInvoked(EventData):
    """One emergency of one referral (domain.md §5), published by its source: effective at once, for one recipient.

    It lets go no more than `fieldGroups`, until `expiresAt` (UTC) at the latest, and never past the survivor's no, an
    exclusion, tier 5 or Part 2. A second person approves it within half an hour, and it is reviewed. The keys of its
    groups come by `referral.sealed`, as always.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.breakglass.invoked.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "breakGlassId": "bgl-6f3a1c7e-90f2-4a55-8d0c-2d1f0b9e7a44",
        "category": "SHELTER",
        "recipient": SHELTER,
        "fieldGroups": ["FG03", "FG04"],
        "reason": "LIFE_THREAT_IMMINENT",
        "basis": "AGENCY_POLICY",
        "invokedBy": "wrk-7f21",
        "narrativeRef": "nar-2026-0304-17",
        "invokedAt": "2026-03-04T01:58:00Z",
        "expiresAt": "2026-03-04T05:58:00Z",
        "subjectInformed": "NOT_YET",
    }

    break_glass_id: BreakGlassIdText
    category: RecipientCategory
    recipient: OrgIdText
    field_groups: BreakableGroups
    reason: Annotated[BreakGlassReason, Marked(2, "What the emergency is")]
    basis: BreakGlassBasis
    invoked_by: WorkerRefText
    narrative_ref: NarrativeRefText
    invoked_at: Moment
    expires_at: Moment
    subject_informed: SubjectInformed
