"""What a source has recorded in its own file before it shares what it could not ask the survivor about (D15).

Codes, a count, times and a reference alone: the reasons in words stay with the source.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from broker.schemas.code_list import CodeList
from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import UNIQUE, WHOLE, Maybe, Moment, broken

DASH_HIGH_RISK_TICKS: Final = 14
"""From here on a case is of visible high risk (domain.md §6.3); a pack may ask for more before she is not asked."""
DASH_TICKS_MAX: Final = 24
"""The questions of the DASH list (domain.md §6.3)."""


class NecessityBasis(CodeList):
    """The lawful bases of the United Kingdom that need no consent (domain.md §2.1)."""

    SAFEGUARDING_SCH1_P18 = "SAFEGUARDING_SCH1_P18"
    VITAL_INTERESTS = "VITAL_INTERESTS"


class WhyNotAsked(CodeList):
    """The three cases of DPA 2018 Schedule 1 paragraph 18 in which consent is not needed."""

    CANNOT_BE_GIVEN = "CANNOT_BE_GIVEN"
    CANNOT_REASONABLY_BE_OBTAINED = "CANNOT_REASONABLY_BE_OBTAINED"
    WOULD_PREJUDICE_PROTECTION = "WOULD_PREJUDICE_PROTECTION"


class HighRiskCriterion(CodeList):
    """By which criterion the case is above the threshold of a multi-agency conference (domain.md §6.3)."""

    VISIBLE_HIGH_RISK = "VISIBLE_HIGH_RISK"
    PROFESSIONAL_JUDGEMENT = "PROFESSIONAL_JUDGEMENT"
    ESCALATION = "ESCALATION"
    REPEAT = "REPEAT"


def _weighed(done: bool) -> bool:
    if not done:
        raise broken(RefusalCode.PROPERTY_INVALID)
    return done


class NecessityNote(Contract):
    """The note. `ticks` are those of the DASH list; `note_ref` finds the note in the source's own file."""

    basis: NecessityBasis
    why: WhyNotAsked
    criterion: HighRiskCriterion
    ticks: Maybe[Annotated[int, Field(ge=0, le=DASH_TICKS_MAX), WHOLE]] = None
    proportionate: Annotated[bool, AfterValidator(_weighed), Field(json_schema_extra={"const": True})]
    field_groups: Annotated[tuple[FieldGroupText, ...], Field(min_length=1, max_length=64), UNIQUE]
    recorded_at: Moment
    note_ref: Annotated[str, StringConstraints(pattern=r"^note-[0-9a-f-]{36}$")]
