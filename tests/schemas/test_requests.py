"""What a request, a screen and a revocation may hold, where several properties bear on each other."""

import copy
from typing import Any

import pytest

from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.event import EventData
from broker.schemas.examples import SEALED_GROUP
from broker.schemas.field_groups import SEALABLE
from broker.schemas.json_schema import event_schema
from broker.schemas.person_groups import SafeContact
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.risk_screened import RiskScreened
from tests.schemas.samples import validator, wire

C = RefusalCode


def sealed(*codes: str) -> list[dict[str, Any]]:
    """Sealed groups of these codes."""
    return [{**SEALED_GROUP, "fieldGroup": code} for code in codes]


def changed(event: type[EventData], changes: dict[str, Any]) -> dict[str, Any]:
    """The example with these properties set; those set to `...` are left out."""
    document = {**copy.deepcopy(dict(event.EXAMPLE)), **changes}
    return {key: part for key, part in document.items() if part is not ...}


REFUSED: list[tuple[type[EventData], dict[str, Any], RefusalCode, str | None]] = [
    (ReferralRequested, {"workerContact": ..., "sealed": []}, C.CONTACT_MISSING, None),
    (ReferralRequested, {"workerContact": ..., "sealed": sealed("FG04")}, C.CONTACT_MISSING, None),
    (ReferralRequested, {"sealed": sealed("FG03", "FG03")}, C.PROPERTY_INVALID, "sealed"),
    (ReferralRequested, {"sealed": sealed("FG01")}, C.PROPERTY_INVALID, "sealed"),
    (ReferralRequested, {"sealed": sealed("FG25")}, C.PROPERTY_INVALID, "sealed"),
    (ReferralRequested, {"sealed": sealed("FG19")}, C.PART2_NOT_SUPPORTED, "sealed"),
    *(
        (ReferralRequested, {"sealed": sealed(code)}, C.NEVER_TRANSIT, "sealed")
        for code in ("FG07d", "FG11", "FG15", "FG18")
    ),
    (ReferralRequested, {"services": []}, C.PROPERTY_INVALID, "services"),
    (ReferralRequested, {"services": ["TRANSPORT", "TRANSPORT"]}, C.PROPERTY_INVALID, "services"),
    (ReferralRequested, {"services": ["DATING"]}, C.PROPERTY_INVALID, "services.0"),
    (ReferralRequested, {"area": "94110"}, C.PROPERTY_INVALID, "area"),
    (ReferralRequested, {"needSummary": {"adults": 21}}, C.PROPERTY_INVALID, "needSummary.adults"),
    (ReferralRequested, {"needSummary": {"adults": True}}, C.PROPERTY_INVALID, "needSummary.adults"),
    (
        ReferralRequested,
        {"needSummary": {"adults": 1, "neededBy": "2026-03-04T06:00:00"}},
        C.PROPERTY_INVALID,
        "needSummary.neededBy",
    ),
    (
        ReferralRequested,
        {"workerContact": {"role": "OFFICER", "callback": "+15555550100", "workerName": "x"}},
        C.PROPERTY_UNKNOWN,
        "workerContact.(unknown property)",
    ),
    (ReferralRequested, {"urgency": [{"category": "HEALTHCARE", "priority": "P1"}]}, C.PROPERTY_INVALID, "urgency"),
    (ReferralRequested, {"urgency": [{"category": "SHELTER", "priority": "P1"}] * 2}, C.PROPERTY_INVALID, "urgency"),
    (RiskScreened, {"privateSetting": False}, C.SETTING_NOT_PRIVATE, "privateSetting"),
    (RiskScreened, {"result": "BAND"}, C.PROPERTY_MISSING, "band"),
    (RiskScreened, {"band": "HIGH"}, C.PROPERTY_INVALID, "band"),
    (ConsentRevoked, {"scope": "PURPOSE"}, C.PROPERTY_INVALID, "scopeValues"),
    (ConsentRevoked, {"scopeValues": ["TRANSPORT"]}, C.PROPERTY_INVALID, "scopeValues"),
    (ConsentRevoked, {"scope": "PURPOSE", "scopeValues": ["SHELTER"]}, C.PROPERTY_INVALID, "scopeValues"),
    *(
        (ConsentRevoked, {"scope": "FIELD_GROUP", "scopeValues": ["FG03", code]}, C.PROPERTY_INVALID, "scopeValues")
        for code in ("fg04", "FG99", "FG03a", "FG07f")
    ),
]
TAKEN: list[tuple[type[EventData], dict[str, Any]]] = [
    (ReferralRequested, {"workerContact": ..., "sealed": sealed("FG03")}),
    (ReferralRequested, {"sealed": ...}),
    (ReferralRequested, {"sealed": sealed(*sorted(SEALABLE))}),
    (ReferralRequested, {"area": "941"}),
    (ReferralRequested, {"urgency": [{"category": "HEALTHCARE", "priority": "P1"}], "medicalFacilityNeed": True}),
    (RiskScreened, {"result": "BAND", "band": "HIGH"}),
    (ConsentRevoked, {"scope": "PURPOSE", "scopeValues": ["TRANSPORT"]}),
    (ConsentRevoked, {"scope": "FIELD_GROUP", "scopeValues": ["FG07", "FG07c", "FG25"]}),
    (ConsentRevoked, {"scope": "RECIPIENT", "scopeValues": ["org-shelter-b"]}),
]

#: What JSON Schema does not say: that no group is sealed twice; what a revocation can name, which it could not learn
#: to say under the same version.
BEYOND_JSON_SCHEMA = [
    {"sealed": sealed("FG03", "FG03")},
    {"urgency": [{"category": "HEALTHCARE", "priority": "P1"}]},
    {"urgency": [{"category": "SHELTER", "priority": "P1"}] * 2},
    {"scope": "PURPOSE", "scopeValues": ["SHELTER"]},
    *({"scope": "FIELD_GROUP", "scopeValues": ["FG03", code]} for code in ("fg04", "FG99", "FG03a", "FG07f")),
]


@pytest.mark.parametrize(("event", "changes", "code", "field"), REFUSED)
def test_a_rule_refuses_by_its_code(
    event: type[EventData], changes: dict[str, Any], code: RefusalCode, field: str | None
) -> None:
    """Rules over several properties have codes of their own, and the JSON Schema refuses the same documents."""
    document = changed(event, changes)
    with pytest.raises(Refused) as refused:
        event.read(wire(document))
    assert (refused.value.code, refused.value.field) == (code, field)
    if changes not in BEYOND_JSON_SCHEMA:
        assert not validator(event_schema(event)).is_valid(document)


@pytest.mark.parametrize(("event", "changes"), TAKEN)
def test_what_the_rules_allow_is_taken(event: type[EventData], changes: dict[str, Any]) -> None:
    """No rule reaches further than its text."""
    document = changed(event, changes)
    assert event.read(wire(document))
    assert validator(event_schema(event)).is_valid(document)


@pytest.mark.parametrize("changes", [{"handle": None}, {"channel": "NONE"}])
def test_direct_contact_needs_a_way(changes: dict[str, Any]) -> None:
    """Contact that the survivor takes directly says by what and where (FG03)."""
    document = {key: part for key, part in {**SafeContact.EXAMPLE, **changes}.items() if part is not None}
    with pytest.raises(ValueError):
        SafeContact.model_validate_json(wire(document), strict=True)


def test_the_defaults_of_safe_contact_are_the_safe_ones() -> None:
    """What nobody asked the survivor about is not done (domain.md §2.5)."""
    contact = SafeContact.model_validate_json(
        wire({"mode": "VIA_WORKER", "lastConfirmedAt": "2026-03-04T01:55:00Z"}), strict=True
    )
    assert not contact.voicemail_permitted
    assert not contact.sms_permitted
    assert not contact.redial_on_drop
    assert contact.caller_id_must_be_blocked
    assert contact.if_someone_else_answers == "HANG_UP"
