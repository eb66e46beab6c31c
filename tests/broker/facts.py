"""What the county's organisations say: invented people, shortest forms, every test changes what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from pydantic_core import to_json

from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.event import EventData
from broker.schemas.ids import ConsentId, OfferId, OrgId, new_consent_id
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.profile import Profile
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.sealed import CIPHERTEXT_CHARACTERS
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.store.directory import OrganisationCard

Fact = TypeVar("Fact", bound=EventData)

HOTLINE: Final = OrgId("org-hotline")
POLICE: Final = OrgId("org-police")
SHERIFF: Final = OrgId("org-sheriff")
BIRCH: Final = OrgId("org-shelter-birch")
CEDAR: Final = OrgId("org-shelter-cedar")
MAPLE: Final = OrgId("org-shelter-maple")
LEGAL_AID: Final = OrgId("org-legal-aid")
CLINIC: Final = OrgId("org-clinic")
SHELTERS: Final = (BIRCH, CEDAR, MAPLE)

NAME: Final = "Quillfeather"
CALLBACK: Final = "+15555550177"
"""A worker's number. It stands in the clear, and still it has no place in the trail or in a refusal."""

GROUPS: Final = ("FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG16", "FG23", "FG24")


NOTE: Final = {
    "basis": "SAFEGUARDING_SCH1_P18",
    "why": "WOULD_PREJUDICE_PROTECTION",
    "criterion": "PROFESSIONAL_JUDGEMENT",
    "proportionate": True,
    "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG10"],
    "recordedAt": datetime.now(UTC).isoformat(),
    "noteRef": "note-0c6a6f1e-2c0e-4c0b-8a75-0f4f3a3f6f10",
}
"""Why the police share what they could not ask her about, in the United Kingdom's terms."""


def cards() -> list[OrganisationCard]:
    """The county's organisations."""
    shelter = (OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, Service.EMERGENCY_SHELTER)
    return [
        card(HOTLINE, OrgClass.HOTLINE_VSP),
        card(POLICE, OrgClass.LAW_ENFORCEMENT),
        card(SHERIFF, OrgClass.LAW_ENFORCEMENT),
        *(card(org, *shelter) for org in SHELTERS),
        card(LEGAL_AID, OrgClass.LEGAL_AID, RecipientCategory.LEGAL_AID, Service.PROTECTION_ORDER_HELP),
        card(CLINIC, OrgClass.HEALTH_CLINIC_HIPAA, RecipientCategory.HEALTHCARE, Service.MEDICAL_CARE),
    ]


def card(
    org: OrgId, org_class: OrgClass, category: RecipientCategory | None = None, *services: Service
) -> OrganisationCard:
    """One organisation's card, with an agreement for a year."""
    return OrganisationCard(
        org_id=org,
        name=org,
        org_class=org_class,
        category=category,
        profile=Profile(services=services),
        agreement_until=datetime.now(UTC) + timedelta(days=365),
    )


def release(*recipients: OrgId, by: OrgId = HOTLINE, days: float = 7, **changes: Any) -> ConsentRecord:
    """A survivor's written release to these organisations, in force since an hour; of a survivor of its own."""
    return ConsentRecord.model_validate(release_wire(*recipients, by=by, days=days, **changes))


def release_wire(*recipients: OrgId, by: OrgId = HOTLINE, days: float = 7, **changes: Any) -> dict[str, Any]:
    """The same as it stands on the wire, where it need not be valid."""
    begins = datetime.now(UTC) - timedelta(hours=1)
    return (
        dict(ConsentGranted.EXAMPLE["record"])
        | {
            "consentId": new_consent_id(),
            "subject": {"subjectRef": f"sub-{new_consent_id()}", "kind": "ADULT"},
            "discloser": {"orgId": by},
            "recipients": [{"kind": "ORG", "orgId": org} for org in recipients or SHELTERS],
            "excludedRecipients": [],
            "purposes": ["SHELTER_PLACEMENT", "PROTECTION_ORDER", "MEDICAL_FOLLOW_UP"],
            "dataScope": {"fieldGroups": list(GROUPS), "maxTier": 4},
            "validity": {
                "notBefore": begins.isoformat(),
                "notAfter": (begins + timedelta(days=days)).isoformat(),
            },
        }
        | changes
    )


def granted(record: ConsentRecord) -> ConsentGranted:
    """The event that publishes it."""
    return ConsentGranted(asked_in_private=True, record=record)


def revoked(version: int = 1, **changes: Any) -> ConsentRevoked:
    """Taken back orally, wholly unless `scope` and `scopeValues` say in what part."""
    return read(ConsentRevoked, {**ConsentRevoked.EXAMPLE, "version": version} | changes)


def request_wire(**changes: Any) -> dict[str, Any]:
    """A request for shelter, with three groups of sealed nothing, as it stands on the wire."""
    sealed = [
        {"fieldGroup": group, "suite": "v1", "ciphertext": "A" * min(CIPHERTEXT_CHARACTERS)}
        for group in ("FG03", "FG04", "FG10")
    ]
    return {
        "priority": "P1",
        "services": ["EMERGENCY_SHELTER"],
        "needSummary": {"adults": 1, "children": 2, "safeTonight": False},
        "accessNeeds": {"preferredLanguage": "es", "interpreter": True},
        "jurisdictionCode": "US-CA",
        "victimAgreed": "YES",
        "workerContact": {"role": "ADVOCATE_ON_CALL", "callback": CALLBACK},
        "sealed": sealed,
    } | changes


def request(**changes: Any) -> ReferralRequested:
    """The same as an event."""
    return read(ReferralRequested, request_wire(**changes))


def screened(**changes: Any) -> RiskScreened:
    """A screen that says: high danger, and not safe tonight."""
    return read(RiskScreened, {**RiskScreened.EXAMPLE} | changes)


def incident(*, hurt: bool) -> IncidentReported:
    """Something happened today."""
    return read(IncidentReported, {**IncidentReported.EXAMPLE, "medicalNeedNow": hurt})


def accepted(offer: OfferId) -> OfferAccepted:
    """A person says yes."""
    return read(OfferAccepted, {"offerId": offer, "acceptedBy": "STAFF"})


def declined(offer: OfferId, reason: str = "NO_CAPACITY_BEDS") -> OfferDeclined:
    """A person says no."""
    return read(OfferDeclined, {"offerId": offer, "reason": reason})


def read(event: type[Fact], wire: dict[str, Any]) -> Fact:
    """The event that this says, read as the broker reads it."""
    return event.read(to_json(wire))


def consent_of(record: ConsentRecord) -> tuple[ConsentId, int]:
    """How an envelope names it."""
    return record.consent_id, record.version
