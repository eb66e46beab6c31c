"""Every field group that can travel has a model, an example and a schema; what may not travel has none."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from broker.schemas.event import refusal_of
from broker.schemas.field_groups import GROUPS, SEALABLE, FieldGroup, group_model, groups_with_model
from broker.schemas.forbidden_names import NEVER_TRANSIT_NAMES, SEALED_FIELD_NAMES, folded
from broker.schemas.group_words import CODES, LABELS, in_words
from broker.schemas.json_schema import group_schema
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import Tier
from tests.schemas.samples import parts_of, sealed_vocabularies, validator, wire

every_group = pytest.mark.parametrize("code", groups_with_model())
FREE_TEXT = {"alias", "firstName", "legalGivenName", "legalFamilyName", "opposingPartyName", "aliases", "handle"}


@every_group
def test_its_example_is_valid_and_comes_back_the_same(code: FieldGroup) -> None:
    """The example can be read, and what is written of it reads the same."""
    model = group_model(code)
    group = model.model_validate_json(wire(model.EXAMPLE), strict=True)
    again = group.model_dump_json(by_alias=True, exclude_none=True)
    assert model.model_validate_json(again, strict=True) == group


@every_group
def test_its_schema_says_tier_and_label_and_takes_the_example(code: FieldGroup) -> None:
    """A recipient can check with JSON Schema what it has opened."""
    schema = group_schema(code)
    Draft202012Validator.check_schema(schema)
    assert validator(schema).is_valid(group_model(code).EXAMPLE)
    assert (schema["x-tier"], schema["x-label"]) == (GROUPS[code].tier, GROUPS[code].label)


@every_group
def test_it_refuses_unknown_properties_and_nulls(code: FieldGroup) -> None:
    """What is sealed is as strict as what is not: nothing slips in because the broker cannot see it."""
    model, check = group_model(code), validator(group_schema(code))
    for bad in [{**model.EXAMPLE, "remark": "x"}, *({**model.EXAMPLE, name: None} for name in model.EXAMPLE)]:
        with pytest.raises(ValueError) as invalid:
            model.model_validate_json(wire(bad), strict=True)
        assert invalid.type.__name__ == "ValidationError"
        assert not check.is_valid(bad)


@every_group
def test_it_has_free_text_only_for_names_and_handles(code: FieldGroup) -> None:
    """Every other text is a code, a reference or a number with a form of its own, so that no story fits in."""
    for name, part in _texts(group_schema(code)):
        bounded = "enum" in part or "const" in part or "format" in part or "pattern" in part
        assert bounded, name
        if name not in FREE_TEXT:
            assert " " not in part.get("pattern", ""), name
            assert "[^" not in part.get("pattern", ""), name


def _texts(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = [schema, *schema.get("$defs", {}).values()]
    found = []
    for part in parts:
        for name, below in part.get("properties", {}).items():
            text = below.get("items", below)
            if text.get("type") == "string":
                found.append((name, text))
    return found


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("FG07d", RefusalCode.NEVER_TRANSIT),
        ("FG11", RefusalCode.NEVER_TRANSIT),
        ("FG15", RefusalCode.NEVER_TRANSIT),
        ("FG18", RefusalCode.NEVER_TRANSIT),
        ("FG19", RefusalCode.PART2_NOT_SUPPORTED),
        ("FG25", RefusalCode.PROPERTY_INVALID),
        ("FG99", RefusalCode.PROPERTY_INVALID),
    ],
)
def test_what_may_not_travel_has_no_model(code: str, refusal: RefusalCode) -> None:
    """Nothing can be made to carry a group that must not travel; the reason is the code of the refusal."""
    with pytest.raises(Refused) as refused:
        group_model(code)
    assert refused.value.code is refusal


def test_only_tiers_3_and_4_are_sealed() -> None:
    """A referral carries sealed exactly what identifies or harms."""
    assert {GROUPS[code].tier for code in SEALABLE} == {Tier.IDENTIFYING, Tier.HIGH_HARM}
    assert set(SEALABLE) == {code for code in groups_with_model() if GROUPS[code].tier >= Tier.IDENTIFYING}


def test_the_names_of_sealed_properties_are_known_and_clear_ones_are_not_among_them() -> None:
    """Identity in the clear is recognised by name; a misplaced clear property is not called a breach."""
    for code in SEALABLE:
        for name in group_model(code).model_fields:
            if folded(name) not in {"children"}:
                assert folded(name) in SEALED_FIELD_NAMES | NEVER_TRANSIT_NAMES
    for code in set(groups_with_model()) - SEALABLE:
        assert not {folded(name) for name in group_model(code).model_fields} & SEALED_FIELD_NAMES


def test_a_breach_outranks_every_other_complaint() -> None:
    """Whoever published identity in the clear hears of that, whatever else is wrong with the event."""
    model = group_model("FG23")
    with pytest.raises(ValueError) as invalid:
        model.model_validate_json(json.dumps({"role": "NOBODY", "remark": 1, "dob": "x", "SSN": "y"}))
    refused = refusal_of(invalid.value)  # type: ignore[arg-type]
    assert (refused.code, refused.field) == (RefusalCode.NEVER_TRANSIT, "SSN")


def test_every_property_that_is_sealed_has_a_label_in_plain_words() -> None:
    """No more and no less, and none of them is the property's name as it stands; so with what codes mean."""
    parts = {part for code in SEALABLE for part in parts_of(group_model(code))}
    names = {name for part in parts for name in part.model_fields}
    assert set(LABELS) == names
    for name, label in LABELS.items():
        assert label[0].isupper(), name
        assert "_" not in label, name
    for vocabulary, meanings in CODES.items():
        assert set(meanings) <= set(vocabulary), vocabulary
        assert len(set(meanings.values())) == len(meanings), vocabulary


def test_a_code_that_is_no_word_is_said_in_words() -> None:
    """What is short for something, or has digits or signs for a name; ages read as they stand."""
    vocabularies = sealed_vocabularies()
    assert set(CODES) <= vocabularies
    bare = {str(code) for vocabulary in vocabularies for code in vocabulary if in_words(code) is None}
    words = re.compile("[A-Z]{2,}(_[A-Z]{2,})*|[0-9]{2}-[0-9]{2}")
    assert {code for code in bare if not words.fullmatch(code)} == set()
    assert {code for code in bare if len(code) == 2} == {"HE", "NO"}
