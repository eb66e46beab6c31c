"""What is said of an emergency in which identity goes without the survivor's word (domain.md §5)."""

from typing import Annotated, Final, NewType

from pydantic import AfterValidator, Field, StringConstraints

from broker.schemas.code_list import CodeList
from broker.schemas.field_groups import FieldGroup, FieldGroupText
from broker.schemas.ids import UUID4_PATTERN, new_uuid4
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import UNIQUE, broken

BreakGlassId = NewType("BreakGlassId", str)
BreakGlassIdText = Annotated[BreakGlassId, StringConstraints(pattern=rf"^bgl-{UUID4_PATTERN}$")]
WorkerRefText = Annotated[str, StringConstraints(pattern=r"^wrk-[A-Za-z0-9-]{1,64}$")]
"""A worker as the organisation knows them: never a name."""
NarrativeRefText = Annotated[str, StringConstraints(pattern=r"^nar-[A-Za-z0-9-]{1,64}$")]
"""Where the organisation keeps what happened, in words; the words never travel."""

BREAKABLE: Final = frozenset(FieldGroup(code) for code in ("FG01", "FG02", "FG03", "FG04", "FG07c", "FG10", "FG17"))
"""All that an emergency can ever open, whatever a pack says."""


class BreakGlassReason(CodeList):
    """What the emergency is."""

    LIFE_THREAT_IMMINENT = "LIFE_THREAT_IMMINENT"
    MEDICAL_EMERGENCY = "MEDICAL_EMERGENCY"
    CHILD_ABDUCTION_IN_PROGRESS = "CHILD_ABDUCTION_IN_PROGRESS"
    SUBJECT_INCAPACITATED = "SUBJECT_INCAPACITATED"


class BreakGlassBasis(CodeList):
    """What lets the organisation do it (domain.md §5, table)."""

    AGENCY_POLICY = "AGENCY_POLICY"
    HIPAA_164_512_J = "HIPAA_164_512_J"
    STATE_LAW = "STATE_LAW"


class SubjectInformed(CodeList):
    """Whether the survivor knows."""

    YES = "YES"
    NO_RISK = "NO_RISK"
    NOT_YET = "NOT_YET"


class ReviewOutcome(CodeList):
    """What the review found."""

    JUSTIFIED = "JUSTIFIED"
    UNJUSTIFIED = "UNJUSTIFIED"
    POLICY_GAP = "POLICY_GAP"


def _breakable(groups: tuple[FieldGroup, ...]) -> tuple[FieldGroup, ...]:
    if not BREAKABLE.issuperset(groups):
        raise broken(RefusalCode.BREAK_GLASS_NOT_ALLOWED)
    return groups


BreakableGroups = Annotated[
    tuple[FieldGroupText, ...],
    Field(min_length=1, max_length=8, json_schema_extra={"items": {"enum": sorted(BREAKABLE)}}),
    UNIQUE,
    AfterValidator(_breakable),
]


def new_break_glass_id() -> BreakGlassId:
    """A fresh id: random, of nobody."""
    return BreakGlassId(f"bgl-{new_uuid4()}")
