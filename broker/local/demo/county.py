"""The organisations of the demonstration and what their people would write. Everybody in it is invented."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker.schemas.consent_record import ConsentRecord
from broker.schemas.ids import OrgId, new_consent_id
from broker.schemas.profile import Profile
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.store.directory import OrganisationCard

POLICE: Final = OrgId("org-police-north")
POLICE_SOUTH: Final = OrgId("org-police-south")
HOSPITAL: Final = OrgId("org-hospital-mercy")
HOTLINE: Final = OrgId("org-hotline-county")
BIRCH: Final = OrgId("org-shelter-birch")
CEDAR: Final = OrgId("org-shelter-cedar")
COUNSELING: Final = OrgId("org-counseling-haven")
LEGAL_AID: Final = OrgId("org-legal-aid")
CLINIC: Final = OrgId("org-clinic-river")

ALIAS: Final = "Robin-of-the-demo"
"""What the survivor of the story is called. It must be found nowhere but in the shelter's opened envelope."""
NUMBER: Final = "+15555550177"

PROVIDERS: Final = (BIRCH, CEDAR, COUNSELING, LEGAL_AID, CLINIC)

_AGREEMENT_DAYS: Final = 365

_COUNTY: Final = (
    (POLICE, "North precinct", OrgClass.LAW_ENFORCEMENT, None, ()),
    (POLICE_SOUTH, "South precinct", OrgClass.LAW_ENFORCEMENT, None, ()),
    (HOSPITAL, "Mercy hospital", OrgClass.HOSPITAL_HIPAA, None, ()),
    (HOTLINE, "County hotline", OrgClass.HOTLINE_VSP, None, ()),
    (BIRCH, "Birch house", OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, (Service.EMERGENCY_SHELTER,)),
    (CEDAR, "Cedar house", OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, (Service.EMERGENCY_SHELTER,)),
    (
        COUNSELING,
        "Haven counselling",
        OrgClass.COUNSELING_NON_HIPAA,
        RecipientCategory.COUNSELING,
        (Service.INDIVIDUAL_COUNSELING, Service.SAFETY_PLANNING),
    ),
    (
        LEGAL_AID,
        "Legal aid",
        OrgClass.LEGAL_AID,
        RecipientCategory.LEGAL_AID,
        (Service.PROTECTION_ORDER_HELP, Service.LEGAL_ADVICE),
    ),
    (
        CLINIC,
        "River clinic",
        OrgClass.HEALTH_CLINIC_HIPAA,
        RecipientCategory.HEALTHCARE,
        (Service.MEDICAL_CARE, Service.STRANGULATION_ASSESSMENT),
    ),
)


def cards() -> list[OrganisationCard]:
    """The county's organisations."""
    until = datetime.now(UTC) + timedelta(days=_AGREEMENT_DAYS)
    return [
        OrganisationCard(
            org_id=org,
            name=name,
            org_class=org_class,
            category=category,
            profile=Profile(services=services, areas=("US-CA",)) if services else Profile(),
            agreement_until=until,
        )
        for org, name, org_class, category, services in _COUNTY
    ]


def release(discloser: OrgId, regime: str, recipients: Sequence[OrgId], purposes: Sequence[str]) -> ConsentRecord:
    """A survivor's release: an hour old, a week long, for these organisations and purposes."""
    now = datetime.now(UTC)
    record: dict[str, Any] = {
        "schemaVersion": "1.0",
        "consentId": new_consent_id(),
        "version": 1,
        "status": "active",
        "decision": "permit",
        "regimes": [regime],
        "subject": {"subjectRef": f"sub-{new_consent_id()}", "kind": "ADULT"},
        "grantors": [
            {
                "capacity": "SELF",
                "form": "WRITTEN_ELECTRONIC",
                "givenAt": now.isoformat(),
                "identityCheck": "IN_PERSON_KNOWN",
                "abuserCheck": "NOT_APPLICABLE_SELF",
            }
        ],
        "capturedBy": {"orgId": discloser, "workerRef": "wrk-demo", "setting": "IN_PERSON_PRIVATE"},
        "informed": {
            "risksExplained": True,
            "alternativesExplained": True,
            "redisclosureRiskExplained": True,
            "revocationExplained": True,
            "notConditionOfService": True,
        },
        "discloser": {"orgId": discloser},
        "recipients": [{"kind": "ORG", "orgId": org} for org in recipients],
        "purposes": list(purposes),
        "dataScope": {
            "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG16", "FG17", "FG23", "FG24"],
            "maxTier": 4,
        },
        "validity": {
            "notBefore": (now - timedelta(hours=1)).isoformat(),
            "notAfter": (now + timedelta(days=7)).isoformat(),
        },
        "redisclosure": {"prohibited": True, "notice": "VAWA-LOCAL"},
        "evidence": {"heldBy": discloser, "documentDigest": f"sha256:{'0' * 64}"},
        "createdAt": now.isoformat(),
    }
    return ConsentRecord.model_validate(record, by_alias=True)


SAFE_CONTACT: Final[dict[str, Any]] = {
    "mode": "DIRECT",
    "handle": NUMBER,
    "channel": "VOICE",
    "if_someone_else_answers": "WRONG_NUMBER",
    "device_monitored": "NO",
    "last_confirmed_at": datetime.now(UTC),
}
REQUEST: Final[dict[str, Any]] = {
    "need_summary": {"adults": 1, "children": 2, "child_age_bands": ["0-2", "6-9"], "safe_tonight": False},
    "access_needs": {"preferred_language": "es", "interpreter": True},
    "jurisdiction_code": "US-CA",
    "victim_agreed": "YES",
    "worker_contact": {"role": "OFFICER", "callback": "+15555550100"},
}
FROM_THE_HOTLINE: Final[dict[str, Any]] = {
    **REQUEST,
    "worker_contact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550101"},
}
