"""risk.screened: a danger screen was done; its result raises urgency and never widens what may be shared."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import ConfigDict, StringConstraints, model_validator

from broker.schemas.consent_granted import AskedInPrivate
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.field_groups import Marked
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import Maybe, Moment, broken
from broker.schemas.vocabulary import RiskBand, ScreeningInstrument, ScreeningResult

_OUTCOME: Final = Marked(2, "What the screen said, tied to an incident and to no person")
_BANDED: Final[dict[str, Any]] = {
    "if": {"required": ["result"], "properties": {"result": {"const": "BAND"}}},
    "then": {"required": ["band"]},
    "else": {"properties": {"band": {"not": {}}}},
}


class RiskScreened(EventData):
    """The result of a screen, tied to an incident and to no person, published by whoever screened.

    The broker raises the urgency of the incident's referrals, whichever of the two comes first (domain.md §6.5). The
    answers to single questions stay with the source: they have no property here (FG11, tier 5).
    """

    TYPE: ClassVar[str] = "org.warmhandoff.risk.screened.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.INCIDENT
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "instrument": "LAP-11",
        "instrumentVersion": "2019",
        "result": "SCREENED_IN_PROTOCOL",
        "unsafeTonight": True,
        "spokeWithHotline": True,
        "privateSetting": True,
        "screenedAt": "2026-03-04T01:40:00Z",
    }

    model_config = ConfigDict(json_schema_extra=_BANDED)

    instrument: ScreeningInstrument
    instrument_version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,20}$")]
    result: Annotated[ScreeningResult, _OUTCOME]
    band: Annotated[Maybe[RiskBand], _OUTCOME] = None
    unsafe_tonight: Annotated[bool, Marked(2, "Not safe tonight")] = False
    spoke_with_hotline: Annotated[Maybe[bool], Marked(2, "Spoke with the hotline")] = None
    private_setting: AskedInPrivate
    screened_at: Moment
    victim_declined: Annotated[bool, Marked(2, "Did not wish to answer")] = False

    @model_validator(mode="after")
    def _band_where_there_is_one(self) -> Self:
        if self.result is ScreeningResult.BAND and self.band is None:
            raise broken(RefusalCode.PROPERTY_MISSING, "band")
        if self.result is not ScreeningResult.BAND and self.band is not None:
            raise broken(RefusalCode.PROPERTY_INVALID, "band")
        return self
