"""What we send is FHIR R4, has what the SDOHCC profiles require, is labelled, and tells no more than it may."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from fhir.resources.R4B import get_fhir_model_class

from adapters.fhir import codes
from adapters.fhir.codes import Resource
from adapters.fhir.offering import offered
from adapters.fhir.releasing import PATIENT_GROUPS, released
from adapters.fhir.taking_back import EVERY_GROUP, ended, taken_back
from adapters.kind import kinds
from adapters.standing import Standing
from broker.schemas.field_groups import SEALABLE
from broker.schemas.vocabulary import MsgStatus, Priority, RecipientCategory
from tests.adapters.fhir.material import EMERGENCY, PLACE, TERMS, handover, offer, opened, resources

REFERENCE: Final = Path(__file__).parent / "reference"
HEALTHCARE: Final = kinds()[RecipientCategory.HEALTHCARE].POLICY
RELEASABLE: Final = sorted((HEALTHCARE.needs | HEALTHCARE.may_ask) & SEALABLE)

REQUIRED: Final[Mapping[str, Mapping[str, Any]]] = {
    "Task": {
        "intent": "order",
        "code.coding.0.code": "fulfill",
        "focus.reference": None,
        "for": None,
        "authoredOn": None,
        "requester": None,
        "owner.reference": "Organization/clinic-1",
        "partOf.0": None,
        "restriction.period.end": "2026-03-04T03:10:00.000Z",
    },
    "ServiceRequest": {
        "status": "active",
        "intent": "filler-order",
        "basedOn.0": None,
        "category.0.coding.0.system": codes.TEMPORARY_CODES,
        "code.coding.0.system": codes.SNOMED,
        "subject": None,
        "authoredOn": None,
        "requester": None,
        "orderDetail.0.coding.0.code": "contacting-subject-prohibited",
    },
    "Consent": {
        "status": "active",
        "scope.coding.0.code": "patient-privacy",
        "category.0.coding.0.code": "IDSCL",
        "patient.reference": None,
        "dateTime": None,
        "organization.0": None,
        "sourceReference": None,
        "provision.type": "permit",
        "provision.period.end": "2026-03-18T01:58:00.000Z",
        "provision.actor.0.role.coding.0.code": "IRCP",
        "provision.purpose.0.code": "PATRQT",
    },
    "Patient": {"identifier.0.value": None, "name.0": None, "gender": None},
    "Provenance": {"target.0.reference": None, "recorded": None, "agent.0.who": None},
    "QuestionnaireResponse": {"status": "completed", "item.0.linkId": None},
}
"""What domain.md §9.2 and the guide's profiles require: where, and which value; None where any will do."""


def at(resource: Any, path: str) -> Any:
    """The element at a path of names and positions; fails where there is none."""
    for step in path.split("."):
        resource = resource[int(step) if step.isdigit() else step]
    return resource


def parts(value: Any) -> Iterator[Any]:
    """Everything that is in something."""
    yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(one)


def phases(environment: MsgStatus = MsgStatus.ACTUAL) -> list[Resource]:
    """Every resource of an offer and of its release."""
    made = offer()
    shown = handover(made, environment)
    bundles = (offered(shown, made, PLACE), released(replace(shown, terms=TERMS), opened(*RELEASABLE), PLACE, []))
    return [entry["resource"] for bundle in bundles for entry in bundle["entry"]]


@pytest.mark.parametrize("resource", phases(), ids=lambda one: one["resourceType"])
def test_what_is_sent_is_r4_and_has_what_the_profile_requires(resource: Resource) -> None:
    """`fhir.resources` reads every resource strictly, and the table of the profiles finds each element."""
    kind = resource["resourceType"]
    read = get_fhir_model_class(kind).model_validate(resource)
    assert json.loads(read.model_dump_json())["resourceType"] == kind
    elements = list(parts(resource))
    marks = [one["id"] for one in elements if isinstance(one, dict) and "id" in one]
    assert len(marks) == len(set(marks)), "no two elements have the same id"
    assert all(one not in ([], {}, None) for one in elements), "FHIR has no empty values"
    for path, wanted in REQUIRED[kind].items():
        found = at(resource, path)
        assert found, path
        assert wanted in (None, found), path


@pytest.mark.parametrize("bundle", [offered, released], ids=["offer", "release"])
def test_a_bundle_is_r4_and_each_entry_is_done_once(bundle: Any) -> None:
    """A transaction whose every entry is created only where nothing has its identifier."""
    made = offer()
    arguments = (handover(made), made, PLACE) if bundle is offered else (handover(made), opened("FG04"), PLACE, [])
    sent = bundle(*arguments)
    get_fhir_model_class("Bundle").model_validate(sent)
    assert all(entry["request"]["ifNoneExist"] for entry in sent["entry"])
    assert sent == bundle(*arguments), "a repeat is the same Bundle, byte for byte"


@pytest.mark.parametrize("name", ["servicerequest", "task", "consent", "provenance", "auditevent"])
def test_the_reference_examples_are_r4(name: str) -> None:
    """The validator of these tests accepts the examples that the field's reference has checked."""
    example = json.loads((REFERENCE / f"fhir_{name}.json").read_text())
    get_fhir_model_class(example["resourceType"]).model_validate(example)


def test_the_validator_of_these_tests_refuses_what_is_not_r4() -> None:
    """A Task without an intent, and one with an element that R4 does not have."""
    task = next(one for one in phases() if one["resourceType"] == "Task")
    for wrong in ({key: value for key, value in task.items() if key != "intent"}, task | {"shelterAddress": "x"}):
        with pytest.raises(ValueError):
            get_fhir_model_class("Task").model_validate(wrong)


@pytest.mark.parametrize("environment", [MsgStatus.ACTUAL, MsgStatus.EXERCISE])
def test_every_resource_is_labelled(environment: MsgStatus) -> None:
    """Restricted, about violence, not to be passed on; a drill says that it is one and nothing else does."""
    for resource in phases(environment):
        labels = {label["code"] for label in resource["meta"]["security"]}
        assert {"R", "SDV"} <= labels
        assert labels & {"NODSCLCD", "NORDSCLCD"}
        assert ("HTEST" in labels) == (environment is MsgStatus.EXERCISE)


@pytest.mark.parametrize(
    ("priority", "said"),
    [(Priority.P0, "stat"), (Priority.P1, "asap"), (Priority.P2, "urgent"), (Priority.P3, "routine")],
)
def test_urgency_is_said_in_fhirs_words(priority: Priority, said: str) -> None:
    """The more urgent an offer, the more urgent the Task and the request."""
    made = offer(priority=priority)
    sent = resources(offered(handover(made), made, PLACE))
    assert (sent["Task"]["priority"], sent["ServiceRequest"]["priority"]) == (said, said)


def test_an_offer_has_no_patient_and_names_nobody() -> None:
    """Its subject is an identifier made for this offer; no element is a name, a birth date or a way to reach her."""
    made = offer()
    sent = offered(handover(made), made, PLACE)
    assert "Patient" not in resources(sent)
    assert resources(sent)["Task"]["for"] == codes.person(made.offer_id)
    text = json.dumps(sent)
    for element in ('"telecom"', '"birthDate"', '"given"', '"family"', '"address"'):
        assert element not in text


def test_the_category_says_why_only_where_the_provider_has_said_that_it_may() -> None:
    """Otherwise the guide's category for what is not specified, and no word of violence outside the labels."""
    made = offer()
    quiet = resources(offered(handover(made), made, PLACE))["ServiceRequest"]
    loud_place = type(PLACE)(owner=PLACE.owner, broker=PLACE.broker, names_violence=True)
    loud = resources(offered(handover(made), made, loud_place))["ServiceRequest"]
    assert at(quiet, "category.0.coding.0.code") == "sdoh-category-unspecified"
    assert at(loud, "category.0.coding.0.code") == "intimate-partner-violence"
    assert "violence" not in json.dumps(quiet).lower()


def test_a_release_says_every_property_and_a_safe_contact_is_no_telecom() -> None:
    """What was opened is all there, under its group; what systems call or text by themselves stays empty."""
    made = offer()
    sent = resources(released(handover(made, terms=TERMS), opened(*RELEASABLE), PLACE, []))
    assert {item["linkId"] for item in sent["QuestionnaireResponse"]["item"]} == set(RELEASABLE)
    assert "+15555550142" in json.dumps(sent["QuestionnaireResponse"])
    assert "telecom" not in sent["Patient"]
    assert {name["id"] for name in sent["Patient"]["name"]} == {"FG04.nickname", "FG05.official"}
    assert sent["Patient"]["birthDate"] == "1990-01-01"
    assert sent["Patient"]["gender"] == "female"


def test_in_an_emergency_no_consent_is_claimed() -> None:
    """There is no Consent, and the Provenance says by which ground it came."""
    made = offer()
    sent = resources(released(handover(made, terms=EMERGENCY), opened("FG04"), PLACE, []))
    assert "Consent" not in sent
    assert at(sent["Provenance"], "reason.0.coding.0.code") == "BTG"


def test_without_the_terms_no_ground_is_claimed() -> None:
    """Neither consent nor emergency is said where nobody says which it was, and the label is the stricter one."""
    made = offer()
    sent = resources(released(handover(made), opened("FG04"), PLACE, []))
    assert "Consent" not in sent
    assert "reason" not in sent["Provenance"]
    assert "NORDSCLCD" in {label["code"] for label in sent["Patient"]["meta"]["security"]}


def stored(*bundles: Resource) -> list[Resource]:
    """What a server shows after these transactions: every resource with an id and a version."""
    made = [entry["resource"] for bundle in bundles for entry in bundle["entry"] if "ifNoneExist" in entry["request"]]
    return [
        one | {"id": f"{number}", "meta": one["meta"] | {"versionId": "3"}} for number, one in enumerate(made, start=1)
    ]


def test_what_is_taken_back_is_taken_out_and_what_the_provider_wrote_stays() -> None:
    """Only the named groups go, from the statement, the Patient and the Consent, each in the version that was read."""
    made = offer()
    shown = handover(made)
    held = stored(offered(shown, made, PLACE), released(replace(shown, terms=TERMS), opened(*RELEASABLE), PLACE, []))
    own = {"use": "official", "family": "Registered", "given": ["Herself"]}
    for one in held:
        if one["resourceType"] == "Patient":
            one["name"] = [*one["name"], own]
    changed = taken_back(held, frozenset({"FG03", "FG04", "FG05"}))
    assert changed is not None
    assert all(entry["request"]["ifMatch"] == 'W/"3"' for entry in changed["entry"])
    left = resources(changed)
    assert left["Patient"]["name"] == [own]
    assert "birthDate" not in left["Patient"]
    assert left["Patient"]["gender"] == "female", "what was not taken back stays"
    assert "+15555550142" not in json.dumps(left)
    covered = {code for one in left["Consent"]["provision"]["code"] for code in codes.codes_of(one, codes.FIELD_GROUP)}
    assert covered == set(RELEASABLE) - {"FG03", "FG04", "FG05"}
    assert left["Consent"]["status"] == "active"
    for one in left.values():
        get_fhir_model_class(one["resourceType"]).model_validate(one)


@pytest.mark.parametrize(("standing", "reason"), [(Standing.WITHDRAWN, "CONSENT_ENDED"), (Standing.EXPIRED, "EXPIRED")])
def test_an_offer_that_has_ended_leaves_nothing_that_we_brought(standing: Standing, reason: str) -> None:
    """The Task is cancelled with a reason, the request revoked, statements emptied, the Patient nameless."""
    made = offer()
    shown = handover(made)
    held = stored(offered(shown, made, PLACE), released(replace(shown, terms=TERMS), opened(*RELEASABLE), PLACE, []))
    changed = ended(held, standing, reason)
    assert changed is not None
    left = [entry["resource"] for entry in changed["entry"]]
    by_kind = {one["resourceType"]: one for one in left}
    assert (by_kind["Task"]["status"], by_kind["Task"]["statusReason"]["text"]) == ("cancelled", reason)
    assert by_kind["ServiceRequest"]["status"] == "revoked"
    assert by_kind["Consent"]["status"] == "inactive"
    statements = [one for one in left if one["resourceType"] == "QuestionnaireResponse"]
    assert [(one["status"], "item" in one) for one in statements] == [("entered-in-error", False)] * 2
    assert "id" not in by_kind["Patient"]["name"][0]
    for one in left:
        get_fhir_model_class(one["resourceType"]).model_validate(one)
    assert ended(stored(changed) or left, standing, reason) is None, "told again, nothing changes"


def test_the_end_of_an_offer_leaves_a_task_that_is_over_as_it_is() -> None:
    """Completed is completed: the guide has no way from there to cancelled."""
    made = offer()
    held = stored(offered(handover(made), made, PLACE))
    over = [one | {"status": "completed"} if one["resourceType"] == "Task" else one for one in held]
    changed = ended(over, Standing.WITHDRAWN, "CONSENT_ENDED")
    assert changed is not None
    assert "Task" not in resources(changed)


def test_every_mark_in_a_patient_is_a_group_that_a_revocation_can_name() -> None:
    """Taking back all groups of which something stands in a Patient leaves it as if nothing had been released."""
    made = offer()
    patient = resources(released(handover(made, terms=TERMS), opened(*RELEASABLE), PLACE, []))["Patient"] | {"id": "p"}
    changed = taken_back([patient], frozenset(PATIENT_GROUPS))
    nothing = resources(released(handover(made, terms=TERMS), opened("FG03"), PLACE, []))["Patient"]
    assert changed is not None
    bare = {
        key: value for key, value in resources(changed)["Patient"].items() if key not in ("id", "meta", "identifier")
    }
    assert bare == {key: value for key, value in nothing.items() if key not in ("meta", "identifier")}
    assert EVERY_GROUP.isdisjoint(PATIENT_GROUPS)
