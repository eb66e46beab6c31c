"""The sealed field groups that one kind of provider works with (FG14, FG16, FG17, FG20, FG21, FG22)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from broker.schemas.event import Contract
from broker.schemas.group import Group, Name
from broker.schemas.group_vocabulary import (
    EmployerCategory,
    HearingType,
    HousingStatus,
    IncomeBand,
    InsuranceType,
    MedicalNeed,
    OrderStatus,
    OrderType,
)
from broker.schemas.ids import OrgIdText
from broker.schemas.shapes import UNIQUE, Code, Count, Maybe, Moment, Unique


class ConflictCheck(Group):
    """FG14: names for one conflict check, to be deleted after it; never the abuser's record."""

    CODE: ClassVar[str] = "FG14"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"opposingPartyName": "Invented Opponent", "employerCategory": "OTHER"}

    opposing_party_name: Name
    aliases: Annotated[tuple[Name, ...], Field(max_length=5), UNIQUE] = ()
    employer_category: EmployerCategory = EmployerCategory.UNKNOWN


class Hearing(Contract):
    """One hearing. The time is UTC."""

    type: HearingType
    date_time: Moment
    court_code: Code


class LegalProceedings(Group):
    """FG16: orders, hearings and matters, as codes. Immigration is a need for legal help here and never a status."""

    CODE: ClassVar[str] = "FG16"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "orderType": "TEMPORARY",
        "orderStatus": "ISSUED",
        "hearings": [{"type": "PROTECTION_ORDER", "dateTime": "2026-03-09T16:30:00Z", "courtCode": "CA-ALA-01"}],
        "custodyMatter": True,
    }

    order_type: OrderType
    order_status: Maybe[OrderStatus] = None
    hearings: Annotated[tuple[Hearing, ...], Field(max_length=10)] = ()
    custody_matter: bool = False
    divorce_matter: bool = False
    eviction_matter: bool = False
    immigration_legal_help_needed: bool = False


class MedicalNow(Group):
    """FG17: what a facility must be able to do now; no history, no record."""

    CODE: ClassVar[str] = "FG17"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"needsNow": ["STRANGULATION_WORKUP"], "allergyCritical": False}

    needs_now: Unique[MedicalNeed] = ()
    allergy_critical: bool = False
    infectious_isolation: bool = False


class Finance(Group):
    """FG20: what legal-aid eligibility and registration ask for."""

    CODE: ClassVar[str] = "FG20"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"incomeBand": "<=125%", "householdSizeLegal": 3, "insuranceType": "NONE"}

    income_band: Maybe[IncomeBand] = None
    household_size_legal: Maybe[Count] = None
    assets_under_limit: Maybe[bool] = None
    insurance_type: Maybe[InsuranceType] = None


class HousingEmployment(Group):
    """FG21: how the survivor lives, and whether an employer knows."""

    CODE: ClassVar[str] = "FG21"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"housingStatus": "RENTS", "leaseOnName": True, "employerNotified": False}

    housing_status: Maybe[HousingStatus] = None
    lease_on_name: Maybe[bool] = None
    employer_notified: Maybe[bool] = None


class EvidenceReference(Contract):
    """Where one piece of evidence is kept: a system, a digest and a custodian, never the piece."""

    system: Code
    ref_hash: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    custodian: OrgIdText


class EvidencePointers(Group):
    """FG22: where evidence is kept."""

    CODE: ClassVar[str] = "FG22"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "evidenceRefs": [
            {
                "system": "RMS-1",
                "refHash": "sha256:84cdff5cba36e2212e6478001ad0217752b5276cbd23eee6bb6dc1b0a290e2e1",
                "custodian": "org-police-a",
            }
        ]
    }

    evidence_refs: Annotated[tuple[EvidenceReference, ...], Field(min_length=1, max_length=20)]
