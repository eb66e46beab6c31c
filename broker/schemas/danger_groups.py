"""The sealed field groups about where danger comes from and what happened (FG07c, FG07e, FG08, FG10, FG12, FG13)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from broker.schemas.group import Group, Reference
from broker.schemas.group_vocabulary import (
    AbuserAssociation,
    AbuseType,
    AssessorRole,
    IncidentDateBand,
    InjuryLevel,
    Relationship,
    RiskFlag,
    Whereabouts,
)
from broker.schemas.shapes import UNIQUE, Area, Maybe, Moment, Unique
from broker.schemas.vocabulary import RiskBand, ScreeningInstrument, ScreeningResult


class CurrentWhereabouts(Group):
    """FG07c: with whom the survivor is at the moment, as a code. There is no property for a place."""

    CODE: ClassVar[str] = "FG07c"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"currentWhereabouts": "WITH_POLICE"}

    current_whereabouts: Whereabouts


class AddressConfidentiality(Group):
    """FG07e: whether a substitute address must be used; the reference is the programme's, never an address."""

    CODE: ClassVar[str] = "FG07e"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"acpParticipant": True, "acpAddressRef": "acp:0000-synthetic"}

    acp_participant: bool
    acp_address_ref: Maybe[Reference] = None


class AvoidAreas(Group):
    """FG08: areas to keep away from, and through whom the abuser could learn of a place."""

    CODE: ClassVar[str] = "FG08"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "areasToAvoid": ["US-CA-013"],
        "abuserAssociations": ["SHELTER_STAFF_RELATIVE"],
    }

    areas_to_avoid: Unique[Area] = ()
    abuser_associations: Unique[AbuserAssociation] = ()


class RiskSummary(Group):
    """FG10: the result of a danger screen and what overrides it; never a computed score, never single answers."""

    CODE: ClassVar[str] = "FG10"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "instrument": "LAP-11",
        "instrumentVersion": "2019",
        "result": "SCREENED_IN_PROTOCOL",
        "overrideFlags": ["STRANGULATION"],
        "assessedAt": "2026-03-04T01:40:00Z",
        "assessorRole": "OFFICER",
    }

    instrument: ScreeningInstrument
    instrument_version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,20}$")]
    result: ScreeningResult
    band: Maybe[RiskBand] = None
    override_flags: Unique[RiskFlag] = ()
    assessed_at: Moment
    assessor_role: AssessorRole
    victim_declined: bool = False


class IncidentSummary(Group):
    """FG12: what happened, in codes. There is no property for a narrative."""

    CODE: ClassVar[str] = "FG12"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "incidentDateBand": "TODAY",
        "abuseTypes": ["PHYSICAL", "THREATS"],
        "injuryLevel": "MINOR",
        "childrenPresent": True,
        "policeReportFiled": True,
        "relationshipCode": "XS",
    }

    incident_date_band: IncidentDateBand
    abuse_types: Annotated[tuple[AbuseType, ...], Field(min_length=1), UNIQUE]
    weapon_involved: Maybe[bool] = None
    injury_level: Maybe[InjuryLevel] = None
    strangulation_reported: Maybe[bool] = None
    children_present: Maybe[bool] = None
    police_report_filed: Maybe[bool] = None
    arrest_made: Maybe[bool] = None
    relationship_code: Maybe[Relationship] = None


class PoliceReport(Group):
    """FG13: the report's number and nothing of the report."""

    CODE: ClassVar[str] = "FG13"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reportNumber": "26-000123"}

    report_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/-]{1,40}$")]
