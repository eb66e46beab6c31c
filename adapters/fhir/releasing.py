"""What was released, as FHIR says it (phase 2): a Patient, a Consent, a statement of every group, and where it is from.

The Patient holds what a registration desk needs to know whom it has before it, each element marked with its field
group, so that what is taken back can be taken out again. Everything else is in the statement (docs/decisions/0114).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.fhir import codes
from adapters.fhir.bundles import by_identifier, by_message, change, create, entry_name, transaction
from adapters.fhir.codes import Resource, coding, concept, identifier, literal, logical
from adapters.fhir.offering import Place
from adapters.fhir.statements import STATEMENT, Stated, items
from adapters.fhir.status import TaskStatus, status_of, toward
from adapters.inbox.opening import OpenedGroup
from adapters.standing import Standing
from adapters.transports.transport import Handover, ReleaseTerms
from broker.schemas.field_groups import FieldGroup
from broker.schemas.group_vocabulary import Gender

PATIENT_GROUPS: Final = frozenset(map(FieldGroup, ("FG04", "FG05", "FG06")))
"""The groups of which something stands in the Patient."""

_MASKED: Final = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
NAMELESS: Final[Resource] = {"extension": [_MASKED]}
"""The name of somebody whose name is not told here."""

_GENDER: Final[Mapping[str, str]] = {
    Gender.WOMAN: "female",
    Gender.MAN: "male",
    Gender.NON_BINARY: "other",
    Gender.ANOTHER: "other",
    Gender.NOT_SAID: "unknown",
}


def said(group: OpenedGroup) -> Mapping[str, Any]:
    """An opened group's properties as they stand on the wire."""
    assert group.content is not None, "what could not be opened is not handed over"
    return group.content.model_dump(mode="json", by_alias=True, exclude_none=True)


def is_there(handover: Handover, held: Sequence[Resource]) -> bool:
    """Whether this very release has arrived before: whatever was done with it since is left alone."""
    tags = (tag for one in held if one["resourceType"] == STATEMENT for tag in one.get("meta", {}).get("tag", []))
    return any(tag.get("system") == codes.MESSAGE and tag.get("code") == handover.message_id for tag in tags)


def released(handover: Handover, groups: Sequence[OpenedGroup], place: Place, held: Sequence[Resource]) -> Resource:
    """The transaction that hands over what was opened.

    `groups` are opened, and no more than the kind of provider may hold; `held` is what the server has of this offer
    now: its Task and ServiceRequest, and what an earlier release has left.
    """
    of = handover.offer_id
    stated = [(group.field_group, said(group)) for group in groups]
    labels = codes.meta(handover.environment, _refrain(handover.terms), tag=handover.message_id)
    patient = _Entry("Patient", by_identifier(codes.PERSON, of), held)
    statement = _Entry(STATEMENT, by_identifier(codes.RELEASE, of), held)
    entries = [
        patient.of(_patient(labels, handover, stated, patient.before)),
        statement.of(_statement(labels, handover, patient.name, stated)),
    ]
    supporting = [statement.name]
    terms = handover.terms
    if terms is not None and terms.consent_id is not None:
        consent = _Entry("Consent", by_identifier(codes.RELEASE, of), held)
        entries.append(consent.of(_consent(labels, handover, terms, place, patient.name, stated)))
        supporting.append(consent.name)
    provenance = _provenance(labels, handover, place, [patient.name, *supporting])
    name = entry_name(of, handover.message_id, "provenance")
    entries.append(create(name, provenance, by_message(handover.message_id)))
    asked = [one for one in held if one["resourceType"] in ("Task", "ServiceRequest")]
    return transaction([*entries, *(change(_linked(one, patient.name, supporting)) for one in asked)])


class _Entry:
    """A resource of which there is one for each offer: made, or replaced where an earlier release has made it."""

    def __init__(self, kind: str, unless: str, held: Sequence[Resource]) -> None:
        self._unless = unless
        self.before = next((one for one in held if one["resourceType"] == kind and _of_release(one)), None)
        self.name = f"{kind}/{self.before['id']}" if self.before else entry_name(kind, unless)

    def of(self, resource: Resource) -> Resource:
        if self.before is None:
            return create(self.name, resource, self._unless)
        return change(resource | {"id": self.before["id"], "meta": self.before.get("meta", {}) | resource["meta"]})


def _of_release(resource: Resource) -> bool:
    return resource["resourceType"] == "Patient" or codes.identified_by(resource, codes.RELEASE) is not None


def _refrain(terms: ReleaseTerms | None) -> str:
    """The stricter label where the terms are not at hand."""
    return codes.NO_DISCLOSURE if terms is not None and not terms.redisclosure_prohibited else codes.NO_REDISCLOSURE


def _patient(labels: Resource, handover: Handover, stated: Sequence[Stated], before: Resource | None) -> Resource:
    by_group = dict(stated)
    gender = by_group.get(FieldGroup("FG06"), {}).get("gender")
    born = by_group.get(FieldGroup("FG05"), {}).get("dateOfBirth")
    bare = without_groups(before, PATIENT_GROUPS) if before else {}
    names = [*(one for one in bare.get("name", []) if one != NAMELESS), *_names(by_group)]
    return {
        "resourceType": "Patient",
        "identifier": [identifier(codes.PERSON, handover.offer_id)],
        "active": True,
        **({"gender": "unknown"} | bare),
        "meta": labels,
        "name": names or [NAMELESS],
        **({"gender": _GENDER[gender], "_gender": {"id": "FG06.gender"}} if gender else {}),
        **({"birthDate": born, "_birthDate": {"id": "FG05.birthDate"}} if born else {}),
    }


def without_groups(patient: Resource, groups: frozenset[FieldGroup] | frozenset[str]) -> Resource:
    """A Patient without the elements that bear these groups' marks."""
    names = [one for one in patient.get("name", []) if not _marked(one, groups)]
    left = patient | {"name": names or [NAMELESS]}
    if _marked(patient.get("_gender"), groups):
        del left["_gender"]
        left["gender"] = "unknown"
    if _marked(patient.get("_birthDate"), groups):
        del left["_birthDate"]
        left.pop("birthDate", None)
    return left


def _marked(element: object, groups: frozenset[FieldGroup] | frozenset[str]) -> bool:
    """Marks are the ids of elements, and no two of one resource are the same: `FG05.official`, `FG05.birthDate`."""
    return isinstance(element, dict) and str(element.get("id")).partition(".")[0] in groups


def _names(by_group: Mapping[FieldGroup, Mapping[str, Any]]) -> list[Resource]:
    handle, legal = by_group.get(FieldGroup("FG04"), {}), by_group.get(FieldGroup("FG05"), {})
    names = [
        {"id": f"FG04.{use}", "use": use, "given": [handle[key]]}
        for use, key in (("nickname", "alias"), ("usual", "firstName"))
        if key in handle
    ]
    if legal:
        family, given = legal["legalFamilyName"], legal["legalGivenName"]
        names.append({"id": "FG05.official", "use": "official", "family": family, "given": [given]})
    return names


def _statement(labels: Resource, handover: Handover, patient: str, stated: Sequence[Stated]) -> Resource:
    return {
        "resourceType": STATEMENT,
        "meta": labels,
        "identifier": identifier(codes.RELEASE, handover.offer_id),
        "status": "completed",
        "subject": literal(patient),
        "authored": codes.moment(handover.made_at),
        "item": items(stated),
    }


def _consent(
    labels: Resource,
    handover: Handover,
    terms: ReleaseTerms,
    place: Place,
    patient: str,
    stated: Sequence[Stated],
) -> Resource:
    """That she agreed, to what and until when. The record itself is in the registry: this points to it."""
    recipient = {"role": concept(coding(codes.PARTICIPATION, "IRCP")), "reference": literal(place.owner)}
    return {
        "resourceType": "Consent",
        "meta": labels | {"profile": [codes.CONSENT_PROFILE]},
        "identifier": [identifier(codes.RELEASE, handover.offer_id)],
        "status": "active",
        "scope": concept(coding(codes.CONSENT_SCOPE, "patient-privacy")),
        "category": [concept(coding(codes.ACT_CODE, "IDSCL"))],
        "patient": literal(patient),
        "dateTime": codes.moment(handover.made_at),
        "organization": [codes.organisation(place.broker)],
        "sourceReference": logical("Consent", codes.CONSENT, f"{terms.consent_id}/{terms.consent_version}"),
        "policyRule": concept(coding(codes.ACT_CODE, "OPTIN")),
        "provision": {
            "type": "permit",
            **({"period": {"end": codes.moment(terms.ends_at)}} if terms.ends_at else {}),
            "actor": [recipient],
            "purpose": [coding(codes.ACT_REASON, "PATRQT")],
            "code": [concept(coding(codes.FIELD_GROUP, code)) for code, _ in stated],
        },
    }


def _provenance(labels: Resource, handover: Handover, place: Place, targets: Sequence[str]) -> Resource:
    """Who brought it, when, and by which ground; none is claimed where the terms are not at hand."""
    reason: Resource = {}
    if handover.terms is not None:
        ground = "PATRQT" if handover.terms.consent_id is not None else "BTG"
        reason = {"reason": [concept(coding(codes.ACT_REASON, ground))]}
    return {
        "resourceType": "Provenance",
        "meta": labels,
        "target": [literal(name) for name in targets],
        "recorded": codes.moment(handover.made_at),
        **reason,
        "activity": concept(coding(codes.DATA_OPERATION, "CREATE")),
        "agent": [
            {
                "type": concept(coding(codes.PROVENANCE_AGENT, "assembler")),
                "who": codes.organisation(place.broker),
            }
        ],
    }


def _linked(resource: Resource, patient: str, supporting: Sequence[str]) -> Resource:
    """The Task or ServiceRequest with whom it is about, now that somebody may know."""
    if resource["resourceType"] == "ServiceRequest":
        before = resource.get("supportingInfo", [])
        new = [reference for name in supporting if (reference := literal(name)) not in before]
        return resource | {"subject": literal(patient), "supportingInfo": [*before, *new]}
    return accepted(resource) | {"for": literal(patient)}


def accepted(task: Resource) -> Resource:
    """A Task that nobody has touched although somebody accepted by another door: it says so now."""
    now = status_of(task.get("status"))
    then = toward(now, Standing.CONTACT_PENDING) if now is TaskStatus.REQUESTED else None
    if then is None:
        return task
    return task | {"status": then.value, "businessStatus": concept(coding(codes.OFFER_STATE, "ACCEPTED"))}
