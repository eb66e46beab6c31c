"""The organisations, the release and the pack that the tests of the rules speak of. All invented."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from broker.domain.consent import (
    ConsentRef,
    ConsentTerms,
    Decision,
    Effect,
    Party,
    Phase,
    Question,
    decide,
    terms,
)
from broker.domain.policy import PolicyPack, read_pack
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed

PACK_FILE = Path(__file__).parents[2] / "broker" / "policies" / "us-federal-vawa.toml"

SIGNED = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = SIGNED + timedelta(hours=1)
DAY = timedelta(days=1)

CONSENT = ConsentId("c7a6a0d8-2c0e-4c0b-8a75-0f4f3a3f6f10")
EVERYTHING = frozenset(GROUPS)


@cache
def pack() -> PolicyPack:
    """The pack that ships."""
    return read_pack(PACK_FILE.read_bytes())


def party(org_class: OrgClass, category: RecipientCategory | None = None, org: str | None = None) -> Party:
    """An organisation of a class, named after it."""
    name = org or f"org-{org_class.lower().replace('_', '-')}"
    return Party(OrgId(name), org_class, category)


POLICE = party(OrgClass.LAW_ENFORCEMENT)
HOSPITAL = party(OrgClass.HOSPITAL_HIPAA)
HOTLINE = party(OrgClass.HOTLINE_VSP)
SHELTER = party(OrgClass.VSP_SHELTER, RecipientCategory.SHELTER)
OTHER_SHELTER = party(OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, "org-other-shelter")
COUNSELING = party(OrgClass.COUNSELING_NON_HIPAA, RecipientCategory.COUNSELING)
LEGAL_AID = party(OrgClass.LEGAL_AID, RecipientCategory.LEGAL_AID)
CLINIC = party(OrgClass.HEALTH_CLINIC_HIPAA, RecipientCategory.HEALTHCARE)
AUDITOR = party(OrgClass.COURT, RecipientCategory.AUDITOR, "org-auditor")

PURPOSES = {
    RecipientCategory.SHELTER: Purpose.SHELTER_PLACEMENT,
    RecipientCategory.COUNSELING: Purpose.COUNSELING,
    RecipientCategory.LEGAL_AID: Purpose.LEGAL_ADVICE,
    RecipientCategory.HEALTHCARE: Purpose.MEDICAL_FOLLOW_UP,
    RecipientCategory.ADVOCACY: Purpose.ADVOCACY_OUTREACH,
}


def groups(*codes: str) -> frozenset[FieldGroup]:
    """Field groups by code."""
    return frozenset(FieldGroup(code) for code in codes)


USUAL = groups("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23", "FG24")


def record(discloser: Party = HOTLINE, *recipients: Party, **changes: Any) -> ConsentRecord:
    """A written release of the survivor's, from `discloser` to `recipients` (the shelter), for fourteen days."""
    wire: dict[str, Any] = {
        "schemaVersion": "1.0",
        "consentId": CONSENT,
        "version": 1,
        "status": "active",
        "decision": "permit",
        "regimes": ["VAWA"],
        "subject": {"subjectRef": "sub-1f4cbb0a-77b2-4d8e-9c40-0b1f6f2f7a90", "kind": "ADULT"},
        "grantors": [
            {
                "capacity": "SELF",
                "form": "WRITTEN_ELECTRONIC",
                "givenAt": SIGNED.isoformat(),
                "identityCheck": "IN_PERSON_KNOWN",
                "abuserCheck": "NOT_APPLICABLE_SELF",
            }
        ],
        "capturedBy": {"orgId": discloser.org, "workerRef": "wrk-7f21", "setting": "IN_PERSON_PRIVATE"},
        "informed": {
            "risksExplained": True,
            "alternativesExplained": True,
            "redisclosureRiskExplained": True,
            "revocationExplained": True,
            "notConditionOfService": True,
        },
        "discloser": {"orgId": discloser.org},
        "recipients": [{"kind": "ORG", "orgId": to.org} for to in recipients or (SHELTER,)],
        "excludedRecipients": [],
        "purposes": ["SHELTER_PLACEMENT"],
        "dataScope": {"fieldGroups": sorted(EVERYTHING), "maxTier": 4},
        "validity": {"notBefore": SIGNED.isoformat(), "notAfter": (SIGNED + 14 * DAY).isoformat()},
        "redisclosure": {"prohibited": True, "notice": "VAWA-LOCAL"},
        "evidence": {"heldBy": discloser.org, "documentDigest": "sha256:" + "0" * 64},
        "createdAt": SIGNED.isoformat(),
    }
    return ConsentRecord.model_validate(wire | changes)


def release(discloser: Party = HOTLINE, *recipients: Party, **changes: Any) -> ConsentTerms:
    """The terms of `record`."""
    return terms(record(discloser, *recipients, **changes))


def scope(*codes: str, tier: int = 4) -> dict[str, Any]:
    """A `dataScope` of these groups."""
    return {"fieldGroups": list(codes), "maxTier": tier}


def another(consent: ConsentTerms, number: int, **changes: Any) -> ConsentTerms:
    """A further record like this one, with an id of its own."""
    return replace(consent, ref=ConsentRef(ConsentId(f"consent-{number}"), 1), **changes)


def question(
    phase: Phase = Phase.RELEASE, discloser: Party = HOTLINE, recipient: Party = SHELTER, **changes: Any
) -> Question:
    """The hotline asks whether it may tell the shelter the usual groups, under the usual release."""
    purpose = PURPOSES.get(recipient.category) if recipient.category is not None else None
    asked = Question(
        phase=phase,
        discloser=discloser,
        recipient=recipient,
        purpose=purpose or Purpose.STATUS_FEEDBACK,
        groups=USUAL,
        consent=ConsentRef(CONSENT, 1),
        victim_agreed=VictimAgreed.YES,
    )
    return asked._replace(**changes)


def ask(asked: Question, *consents: ConsentTerms, now: datetime = NOW, under: PolicyPack | None = None) -> Decision:
    """The decision under the shipped pack, its own consistency checked each time."""
    decision = decide(asked, consents, now, under or pack())
    assert decision.let_through | decision.withheld.keys() == asked.groups
    assert not decision.let_through & decision.withheld.keys()
    assert (decision.reason is None) == (decision.effect is Effect.PERMIT)
    assert decision.effect is Effect.PERMIT or not decision.let_through
    assert decision.rules
    return decision


def police_question(phase: Phase = Phase.RELEASE, recipient: Party = SHELTER, **changes: Any) -> Question:
    """The police refer by agreement: no release is named."""
    return question(phase, POLICE, recipient, consent=None)._replace(**changes)
