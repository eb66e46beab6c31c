"""The consent record's class, its own JSON Schema and the reference schema take and refuse the same documents."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import EventData, refusal_of
from broker.schemas.examples import CONSENT, CONSENT_RECORD
from broker.schemas.json_schema import tidy
from broker.schemas.refusal import RefusalCode, Refused
from tests.schemas.by_schema import Maker
from tests.schemas.samples import validator, wire

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "consent_record.schema.json").read_text())
REFERENCE = validator(SCHEMA)
OWN = validator(tidy(ConsentRecord.model_json_schema()))

Change = Callable[[dict[str, Any]], Any]


def refused(document: Any) -> Refused | None:
    """What the class says of a document; None where it takes it."""
    try:
        ConsentRecord.model_validate_json(json.dumps(document), strict=True, by_alias=True, by_name=False)
    except ValueError as error:
        return refusal_of(error)  # type: ignore[arg-type]
    return None


def changed(change: Change) -> dict[str, Any]:
    """The example with one change; nothing of it is shared with another's."""
    record = copy.deepcopy(CONSENT_RECORD)
    change(record)
    return copy.deepcopy(record)


def grantor(**parts: str) -> Change:
    """Changes the one grantor."""
    return lambda record: record["grantors"][0].update(parts)


def add_grantor(**parts: str) -> Change:
    """Adds a second grantor."""
    return lambda record: record["grantors"].append({**record["grantors"][0], **parts})


def both(*changes: Change) -> Change:
    """One change after the other."""
    return lambda record: [change(record) for change in changes]


def minor(record: dict[str, Any]) -> None:
    """The survivor is a minor."""
    record["subject"]["kind"] = "UNEMANCIPATED_MINOR"


def guarded(record: dict[str, Any]) -> None:
    """The survivor is an adult under court guardianship."""
    record["subject"]["kind"] = "ADULT_WITH_COURT_GUARDIAN"


CATEGORY = [{"kind": "CATEGORY", "category": "SHELTER", "serviceArea": "US-CA", "maxConcurrentOffers": 2}]
PARENT = {"capacity": "PARENT", "abuserCheck": "CONFIRMED_NOT_ABUSER"}
C = RefusalCode

REFUSED: list[tuple[str, Change, RefusalCode, str]] = [
    ("VAWA-02 oral permit", grantor(form="ORAL_TEMPORARY"), C.NOT_WRITTEN, "grantors"),
    ("VAWA-06 category recipient", lambda r: r.update(recipients=CATEGORY), C.RECIPIENT_NOT_SPECIFIC, "recipients"),
    ("VAWA-09 minor alone", minor, C.MINOR_CONSENT_INCOMPLETE, "grantors"),
    ("VAWA-09 parent alone", both(minor, grantor(**PARENT)), C.MINOR_CONSENT_INCOMPLETE, "grantors"),
    ("guarded adult alone", guarded, C.GUARDIAN_MISSING, "grantors"),
    ("VAWA-10 suspected", grantor(abuserCheck="SUSPECTED_ABUSER"), C.GRANTOR_MAY_BE_ABUSER, "grantors"),
    (
        "VAWA-10 unchecked parent",
        both(minor, add_grantor(capacity="PARENT", abuserCheck="UNKNOWN")),
        C.GRANTOR_MAY_BE_ABUSER,
        "grantors",
    ),
    (
        "VAWA-11 a condition of service",
        lambda r: r["informed"].update(notConditionOfService=False),
        C.CONDITIONED_ON_SERVICE,
        "informed.notConditionOfService",
    ),
    ("VAWA-03 no end", lambda r: r["validity"].pop("notAfter"), C.NOT_TIME_LIMITED, "validity.notAfter"),
    ("revoked without how", lambda r: r.update(status="revoked"), C.PROPERTY_MISSING, "revocation"),
    ("tier 5", lambda r: r["dataScope"].update(maxTier=5), C.PROPERTY_INVALID, "dataScope.maxTier"),
    (
        "risks not explained",
        lambda r: r["informed"].update(risksExplained=False),
        C.NOT_INFORMED,
        "informed.risksExplained",
    ),
    ("a naive time", lambda r: r.update(createdAt="2026-03-04T02:00:00"), C.PROPERTY_INVALID, "createdAt"),
    ("nobody", lambda r: r.update(recipients=[]), C.PROPERTY_INVALID, "recipients"),
    ("a purpose twice", lambda r: r.update(purposes=["TRANSPORT"] * 2), C.PROPERTY_INVALID, "purposes"),
    ("two disclosers", lambda r: r.update(disclosers=[]), C.PROPERTY_UNKNOWN, "(unknown property)"),
]
TAKEN: list[tuple[str, Change]] = [
    ("as it is", lambda record: None),
    ("a minor and a parent", both(minor, add_grantor(**PARENT))),
    ("a minor who may consent alone", both(minor, lambda r: r["subject"].update(mayConsentAlone=True))),
    ("a guardian", both(guarded, grantor(capacity="COURT_APPOINTED_GUARDIAN", abuserCheck="CONFIRMED_NOT_ABUSER"))),
    ("an oral denial", both(grantor(form="ORAL_TEMPORARY"), lambda r: r.update(decision="deny"))),
    ("a denial to a kind", lambda r: r.update(decision="deny", recipients=CATEGORY)),
    ("oral under a looser regime", both(grantor(form="ORAL_TEMPORARY"), lambda r: r.update(regimes=["POLICY-ONLY"]))),
    ("a kind under a looser regime", lambda r: r.update(regimes=["POLICY-ONLY"], recipients=CATEGORY)),
    ("self without a check", grantor(abuserCheck="UNKNOWN")),
]


@pytest.mark.parametrize(("change", "code", "field"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_each_rule_refuses_by_its_code(change: Change, code: RefusalCode, field: str) -> None:
    """Each rule of domain.md §2.2 that a record can break has its own code, and both schemas refuse the same."""
    document = changed(change)
    refusal = refused(document)
    assert refusal is not None
    assert (refusal.code, refusal.field) == (code, field)
    assert not REFERENCE.is_valid(document)
    assert not OWN.is_valid(document)


@pytest.mark.parametrize("change", [pytest.param(case[1], id=case[0]) for case in TAKEN])
def test_what_the_rules_allow_is_taken(change: Change) -> None:
    """No rule reaches further than its text."""
    document = changed(change)
    assert refused(document) is None
    assert REFERENCE.is_valid(document)
    assert OWN.is_valid(document)


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document but the document itself."""
    steps: Any = ()
    if isinstance(document, dict):
        steps = document.items()
    elif isinstance(document, list):
        steps = enumerate(document)
    return [place for step, below in steps for place in ((*path, step), *_places(below, (*path, step)))]


_WORDS = sorted(
    {text for part in json.dumps(SCHEMA).split('"') if (text := part.strip(" ,:[]{}"))} | {"", "org-x", "es"}
)
replacements: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(_WORDS),
    st.sampled_from([None, True, False, 0, 1, 2, 5, -1, [], {}, CATEGORY, [CATEGORY[0] | {"kind": "ORG"}]]),
    st.sampled_from(["2026-03-04T02:00:00Z", "2026-03-04T02:00:00", CONSENT, CONSENT.upper(), "FG03", "FG3", "FG07c"]),
    st.sampled_from([{"consentId": CONSENT, "version": 1}, CONSENT_RECORD["grantors"][0], ["VAWA", "VAWA"]]),
    st.sampled_from([{"revokedAt": "2026-03-05T02:00:00Z", "by": "SUBJECT", "form": "ORAL"}, ["POLICY-ONLY"]]),
).map(copy.deepcopy)
_STARTS = [change for _, change in TAKEN]


@given(st.data())
def test_class_and_schemas_agree_on_any_change(data: st.DataObject) -> None:
    """Up to three arbitrary changes to any lawful record: class, own schema and reference schema say the same."""
    document = changed(data.draw(st.sampled_from(_STARTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(_places(document)))
        spot: Any = document
        for step in way:
            spot = spot[step]
        if isinstance(spot, dict) and data.draw(st.booleans()):
            if data.draw(st.booleans()):
                spot.pop(last)
            else:
                spot[data.draw(st.sampled_from(_WORDS))] = data.draw(replacements)
        else:
            spot[last] = data.draw(replacements)
    verdict = refused(document) is None
    assert REFERENCE.is_valid(document) is verdict
    assert OWN.is_valid(document) is verdict


PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_class_and_schemas_agree_on_documents_of_the_schemas_own_shape(part: int) -> None:
    """500 documents made from nothing but the reference schema: a good share is taken, by all three or by none."""
    taken = 0
    for number in range(part * 500, (part + 1) * 500):
        chance = Random(number)
        document = Maker(chance, chance.choice((0, 0, 0.01, 0.03))).make(SCHEMA)
        verdict = refused(document) is None
        assert REFERENCE.is_valid(document) is verdict, number
        assert OWN.is_valid(document) is verdict, number
        taken += verdict
    assert 75 < taken < 250


@pytest.mark.parametrize("part", range(PARTS))
def test_what_the_class_writes_the_schemas_take(part: int) -> None:
    """The other way: whatever was taken is written so that both schemas take it, and read back the same."""
    written = 0
    for number in range(part * 250, (part + 1) * 250):
        document = Maker(Random(number), 0).make(SCHEMA)
        if refused(document) is None:
            record = ConsentRecord.model_validate_json(json.dumps(document), strict=True, by_alias=True, by_name=False)
            text = record.model_dump_json(by_alias=True, exclude_none=True)
            assert REFERENCE.is_valid(json.loads(text))
            assert OWN.is_valid(json.loads(text))
            assert ConsentRecord.model_validate_json(text, strict=True, by_alias=True, by_name=False) == record
            written += 1
    assert written > 25


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        pytest.param(lambda r: r.update(version=1.0), True, id="a whole number with a point"),
        pytest.param(lambda r: r["dataScope"].update(maxTier=3.0), True, id="a tier with a point"),
        pytest.param(lambda r: r.update(version=1.5), False, id="a half version"),
        pytest.param(lambda r: r["dataScope"].update(maxTier=True), False, id="a tier that is true"),
        pytest.param(lambda r: r.update(createdAt="2026-03-04T02:00:00.1234567890Z"), True, id="more than nanoseconds"),
        pytest.param(lambda r: r.update(createdAt="2026-03-04T23:59:60Z"), False, id="a leap second"),
        pytest.param(lambda r: r.update(createdAt="2026-02-29T02:00:00Z"), False, id="no such day"),
    ],
)
def test_numbers_and_times_are_taken_as_the_schema_takes_them(change: Change, taken: bool) -> None:
    """JSON has one kind of number, RFC 3339 any number of digits."""
    document = changed(change)
    assert [refused(document) is None, REFERENCE.is_valid(document), OWN.is_valid(document)] == [taken] * 3


@pytest.mark.parametrize("event", [ConsentGranted, ConsentNarrowed])
def test_consent_asked_in_company_is_refused(event: type[EventData]) -> None:
    """Consent given where others could hear is no consent (domain.md §14 row 6)."""
    with pytest.raises(Refused) as not_private:
        event.read(wire({**event.EXAMPLE, "askedInPrivate": False}))
    assert (not_private.value.code, not_private.value.field) == (C.SETTING_NOT_PRIVATE, "askedInPrivate")


def test_a_narrowed_record_names_what_it_replaces() -> None:
    """A later version has a later number and says which one it replaces."""
    first = {**ConsentNarrowed.EXAMPLE, "record": CONSENT_RECORD}
    nameless = {key: part for key, part in ConsentNarrowed.EXAMPLE["record"].items() if key != "supersedes"}
    for bad, code, field in [
        (first, C.PROPERTY_INVALID, "record.version"),
        ({**first, "record": nameless}, C.PROPERTY_MISSING, "record.supersedes"),
    ]:
        with pytest.raises(Refused) as not_later:
            ConsentNarrowed.read(wire(bad))
        assert (not_later.value.code, not_later.value.field) == (code, field)
