"""The invented values that the examples of the contract share: no person, organisation or number here is real."""

from typing import Any, Final

REFERRAL: Final = "ref-0b6e9d0c-6f0b-4a57-9f1e-3a7f0c2d5e44"
OFFER: Final = "off-5a0f1c3e-9d0f-4c55-8f2e-0d4c7c1b6a10"
INCIDENT: Final = "inc-8d1f9e60-4b3a-4f0c-9a66-2f4d7b3c1e05"
CONSENT: Final = "c7a6a0d8-2c0e-4c0b-8a75-0f4f3a3f6f10"
EVENT: Final = "5b1d6f0e-7c7a-4c7e-9a0f-2f3c8f0a9d11"
SHELTER: Final = "org-shelter-b"
AGENCY: Final = "org-advocacy-a"

CONSENT_RECORD: Final[dict[str, Any]] = {
    "schemaVersion": "1.0",
    "consentId": CONSENT,
    "version": 1,
    "status": "active",
    "decision": "permit",
    "regimes": ["VAWA", "STATE-PRIVILEGE"],
    "subject": {"subjectRef": "sub-1f4cbb0a-77b2-4d8e-9c40-0b1f6f2f7a90", "kind": "ADULT"},
    "grantors": [
        {
            "capacity": "SELF",
            "form": "WRITTEN_ELECTRONIC",
            "givenAt": "2026-03-04T01:58:00Z",
            "identityCheck": "IN_PERSON_KNOWN",
            "abuserCheck": "NOT_APPLICABLE_SELF",
        }
    ],
    "capturedBy": {
        "orgId": AGENCY,
        "workerRef": "wrk-7f21",
        "setting": "IN_PERSON_PRIVATE",
        "formLanguage": "es",
        "interpreterUsed": True,
    },
    "informed": {
        "risksExplained": True,
        "alternativesExplained": True,
        "redisclosureRiskExplained": True,
        "revocationExplained": True,
        "notConditionOfService": True,
        "copyToSubject": "DECLINED_FOR_SAFETY",
    },
    "discloser": {"orgId": AGENCY},
    "recipients": [{"kind": "ORG", "orgId": SHELTER}],
    "excludedRecipients": ["org-shelter-c"],
    "purposes": ["SHELTER_PLACEMENT", "TRANSPORT"],
    "dataScope": {
        "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG10"],
        "excludedFields": ["legalIdentity.legalFamilyName"],
        "maxTier": 4,
    },
    "validity": {
        "notBefore": "2026-03-04T01:58:00Z",
        "notAfter": "2026-03-18T01:58:00Z",
        "endsOnEvent": "PLACEMENT_CONFIRMED",
    },
    "redisclosure": {"prohibited": True, "notice": "VAWA-LOCAL"},
    "evidence": {
        "heldBy": AGENCY,
        "documentDigest": "sha256:84cdff5cba36e2212e6478001ad0217752b5276cbd23eee6bb6dc1b0a290e2e1",
        "documentRef": "vault:forms/synthetic-0001",
    },
    "createdAt": "2026-03-04T02:00:00Z",
}

SEALED_GROUP: Final[dict[str, Any]] = {"fieldGroup": "FG03", "suite": "v1", "ciphertext": "A" * 379}
"""The smallest size class; a real one looks random."""
WRAPPED_KEY: Final[dict[str, Any]] = {
    "fieldGroup": "FG03",
    "recipient": SHELTER,
    "keyId": "org-shelter-b#2026-01",
    "wrapped": "A" * 107,
}
