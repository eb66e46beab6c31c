"""The code systems, profiles and identifiers that our FHIR resources use, and the small parts made of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from broker.schemas.ids import OfferId, OrgId
from broker.schemas.vocabulary import MsgStatus, Priority

Resource = dict[str, Any]
"""A FHIR resource, or a part of one, as JSON has it."""

_SDOHCC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare"
TEMPORARY_CODES: Final = f"{_SDOHCC}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
TASK_PROFILE: Final = f"{_SDOHCC}/StructureDefinition/SDOHCC-TaskForReferralManagement"
REQUEST_PROFILE: Final = f"{_SDOHCC}/StructureDefinition/SDOHCC-ServiceRequest"
CONSENT_PROFILE: Final = f"{_SDOHCC}/StructureDefinition/SDOHCC-Consent"

TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
SNOMED: Final = "http://snomed.info/sct"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
DATA_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
PROVENANCE_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

ORG: Final = "urn:dvb:org"
OFFER: Final = "urn:dvb:offer"
REFERRAL: Final = "urn:dvb:referral"
REFERENCE: Final = "urn:dvb:reference"
PERSON: Final = "urn:dvb:person-of-offer"
RELEASE: Final = "urn:dvb:release"
CONSENT: Final = "urn:dvb:consent"
MESSAGE: Final = "urn:dvb:message"
SERVICE: Final = "urn:dvb:service"
OUTCOME: Final = "urn:dvb:outcome"
CLOSURE: Final = "urn:dvb:survivor-closure"
DECLINE_REASON: Final = "urn:dvb:decline-reason"
ACCEPTED_BY: Final = "urn:dvb:accepted-by"
OFFER_STATE: Final = "urn:dvb:offer-state"
TASK_DETAIL: Final = "urn:dvb:task-detail"
FIELD_GROUP: Final = "urn:dvb:field-group"

PRIORITY: Final[Mapping[Priority, str]] = {
    Priority.P0: "stat",
    Priority.P1: "asap",
    Priority.P2: "urgent",
    Priority.P3: "routine",
}


def moment(at: datetime) -> str:
    """An instant as FHIR writes it, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def coding(system: str, code: str, display: str | None = None) -> Resource:
    """One code of one system."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codings: Resource, text: str | None = None) -> Resource:
    """A concept, said by codes, by words or by both."""
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


def identifier(system: str, value: str) -> Resource:
    """An identifier within a system."""
    return {"system": system, "value": value}


def logical(kind: str, system: str, value: str) -> Resource:
    """A reference to something that need not be a resource of this server: by its identifier."""
    return {"type": kind, "identifier": identifier(system, value)}


def literal(reference: str) -> Resource:
    """A reference to a resource of this server, or to another entry of the same Bundle."""
    return {"reference": reference}


def person(offer_id: OfferId) -> Resource:
    """Whom an offer is about, told by nothing but the offer's own random id (docs/decisions/0113)."""
    return logical("Patient", PERSON, offer_id)


def organisation(org: OrgId) -> Resource:
    """An organisation of the network."""
    return logical("Organization", ORG, org)


def meta(environment: MsgStatus, refrain: str, profiles: Iterable[str] = (), tag: str | None = None) -> Resource:
    """The labels that every outgoing resource bears: restricted, about violence, not to be passed on, and no drill
    without saying so (domain.md §9.2)."""
    labels = [coding(CONFIDENTIALITY, "R"), coding(ACT_CODE, "SDV"), coding(ACT_CODE, refrain)]
    if environment is not MsgStatus.ACTUAL:
        labels.append(coding(ACT_REASON, "HTEST"))
    said: Resource = {"security": labels}
    if found := list(profiles):
        said["profile"] = found
    if tag is not None:
        said["tag"] = [coding(MESSAGE, tag)]
    return said


NO_DISCLOSURE: Final = "NODSCLCD"
"""Nothing of an offer is told to anybody without a consent that says so."""
NO_REDISCLOSURE: Final = "NORDSCLCD"
"""What was released is not passed on without a consent that says so."""


def codes_of(value: object, system: str) -> tuple[str, ...]:
    """The codes of one system in a CodeableConcept that somebody else wrote, whatever its shape is."""
    codings = value.get("coding") if isinstance(value, dict) else None
    if not isinstance(codings, list):
        return ()
    return tuple(
        one["code"]
        for one in codings
        if isinstance(one, dict) and one.get("system") == system and isinstance(one.get("code"), str)
    )


def identified_by(resource: Resource, system: str) -> str | None:
    """The value of a resource's identifier in one system, whatever its shape is."""
    found = resource.get("identifier")
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict) and one.get("system") == system and isinstance(one.get("value"), str):
            return str(one["value"])
    return None
