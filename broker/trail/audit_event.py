"""An entry of the trail as a FHIR R4 AuditEvent: who did what about which referral, in codes, and no patient.

For an auditor's own system that reads AuditEvents. It proves nothing: that the entries are those of the log,
`handoff-verify` shows.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from broker.store.questions import TrailLine
from broker.trail.entries import Step

Resource = dict[str, Any]

_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
STEP: Final = "urn:dvb:trail-step"
ACTOR: Final = "urn:dvb:actor"
ORG: Final = "urn:dvb:org"
REFERRAL: Final = "urn:dvb:referral"
EVENT: Final = "urn:dvb:event"

_ACTIVITY: Final = (_DICOM, "110100", "Application Activity")
_TYPES: Final = {
    **dict.fromkeys((Step.TRAIL_READ, Step.TRAIL_EXPORTED, Step.LIST_MADE), (_DICOM, "110101", "Audit Log Used")),
    **dict.fromkeys(
        (Step.OFFERS_MADE, Step.DISCLOSURE_RELEASED, Step.FEEDBACK_DECIDED, Step.RECIPIENT_NAMED),
        (_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event"),
    ),
    **dict.fromkeys(
        (Step.PAYLOAD_SHREDDED, Step.TEXTS_ERASED), (_LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")
    ),
}
"""What kind of act an entry is in the words of FHIR's code systems; every other one is the application's doing."""

_ACTIONS: Final = {
    **dict.fromkeys((Step.TRAIL_READ, Step.TRAIL_EXPORTED), "R"),
    **dict.fromkeys((Step.PAYLOAD_SHREDDED, Step.TEXTS_ERASED), "D"),
}
_NO_DETAIL: Final = frozenset({"kind", "referral", "at", "actor", "cause", "offers"})


def audit_event(line: TrailLine, observer: str) -> Resource:
    """The entry as an AuditEvent that `observer`, the broker's organisation, has recorded."""
    system, code, display = _TYPES.get(Step(line.kind), _ACTIVITY)
    made = {
        "resourceType": "AuditEvent",
        "id": f"trail-{line.idx}",
        "type": {"system": system, "code": code, "display": display},
        "subtype": [{"system": STEP, "code": line.kind}],
        "action": _ACTIONS.get(Step(line.kind), "E"),
        "recorded": _instant(line),
        "outcome": "0",
        "agent": list(_agents(line)),
        "source": {"observer": _who(ORG, observer)},
    }
    entities = list(_entities(line))
    return {**made, "entity": entities} if entities else made


def _instant(line: TrailLine) -> str:
    at = datetime.fromisoformat(line.facts["at"]).astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _who(system: str, value: str) -> Resource:
    return {"identifier": {"system": system, "value": value}}


def _agents(line: TrailLine) -> Iterator[Resource]:
    actor = line.facts["actor"]
    yield {"who": _who(ORG if actor.startswith("org-") else ACTOR, actor), "requestor": True}
    told = [line.facts, *line.facts.get("offers", ())]
    for recipient in dict.fromkeys(one["recipient"] for one in told if "recipient" in one):
        coded = {"coding": [{"system": _PARTICIPATION, "code": "IRCP", "display": "information recipient"}]}
        yield {"type": coded, "who": _who(ORG, recipient), "requestor": False}


def _entities(line: TrailLine) -> Iterator[Resource]:
    """The referral, with the entry's own words as details; and the event that it follows from."""
    details = [
        {"type": name, "valueString": _words(value)}
        for name, value in line.facts.items()
        if name not in _NO_DETAIL and _words(value)
    ]
    details += [
        {"type": f"letThrough:{offer['recipient']}", "valueString": _words(offer["letThrough"])}
        for offer in line.facts.get("offers", ())
        if offer["letThrough"]
    ]
    referral = line.facts["referral"]
    if referral is not None or details:
        about = _who(REFERRAL, referral) if referral is not None else _who(STEP, line.kind)
        yield {"what": about, **({"detail": details} if details else {})}
    if line.facts.get("cause"):
        yield {"what": _who(EVENT, line.facts["cause"])}


def _words(value: object) -> str:
    """A fact as text; FHIR allows no empty one."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_words(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_words, value))
    return "" if value is None else str(value)
