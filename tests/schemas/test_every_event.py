"""Every event of the contract keeps these promises by being there; a new file in broker/schemas is tested at once."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from broker.schemas.envelope import binary_record, read_envelope, structured_record
from broker.schemas.event import TO_BROKER, TYPE_PREFIX, Contract, EventData, events
from broker.schemas.json_schema import event_schema
from broker.schemas.refusal import RefusalCode, Refused
from tests.schemas.samples import envelope_for, validator, wire

EVENTS = list(events().values())
OF_THE_SPINE = {
    *("consent.granted", "consent.narrowed", "consent.revoked", "incident.reported", "risk.screened"),
    *("referral.requested", "referral.sealed", "referral.cancelled", "referral.held", "referral.status"),
    *("referral.closed", "recipient.chosen", "offer.made", "offer.withdrawn", "offer.expired", "offer.receipted"),
    *("offer.accepted", "offer.declined", "offer.waitlisted", "contact.attempted", "contact.made"),
    *("contact.unreachable", "service.started", "service.completed", "service.ended", "capacity.updated"),
    *("disclosure.released", "event.accepted", "event.refused"),
}

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE.removeprefix(TYPE_PREFIX))


def test_the_spine_is_complete() -> None:
    """Nothing that the spine needs is missing from the catalogue."""
    assert {f"{TYPE_PREFIX}{name}.v1" for name in OF_THE_SPINE} <= set(events())


@every_event
def test_its_example_is_valid_and_comes_back_the_same(event: type[EventData]) -> None:
    """The example can be read, and what is written of it reads the same."""
    data = event.read(wire(event.EXAMPLE))
    assert event.read(data.wire()) == data


@every_event
@pytest.mark.parametrize("record_of", [binary_record, structured_record], ids=["binary", "structured"])
def test_it_travels_in_both_modes(event: type[EventData], record_of: Any) -> None:
    """Binary and structured mode carry the same envelope and the same data."""
    envelope, data = envelope_for(event), event.read(wire(event.EXAMPLE))
    headers, value = record_of(envelope, data.wire())
    received = read_envelope(envelope.subject.encode(), headers, value)
    assert received.envelope == envelope
    assert received.event_class is event
    assert event.read(received.data) == data


@every_event
def test_it_refuses_an_unknown_property_without_repeating_its_name(event: type[EventData]) -> None:
    """A property that is not in the schema is refused, and its name, which might be a value, is not told on."""
    with pytest.raises(Refused) as refused:
        event.read(wire({**event.EXAMPLE, "canaryJaneDoe": "canary"}))
    assert refused.value.code is RefusalCode.PROPERTY_UNKNOWN
    assert "canary" not in str(refused.value)


@every_event
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("legalFamilyName", RefusalCode.IDENTITY_IN_CLEAR),
        ("first_name", RefusalCode.IDENTITY_IN_CLEAR),
        ("PHONE", RefusalCode.IDENTITY_IN_CLEAR),
        ("shelterAddress", RefusalCode.NEVER_TRANSIT),
        ("ssn", RefusalCode.NEVER_TRANSIT),
        ("immigration_status", RefusalCode.NEVER_TRANSIT),
        ("lethalityAnswers", RefusalCode.NEVER_TRANSIT),
        ("narrative", RefusalCode.NEVER_TRANSIT),
    ],
)
def test_it_has_no_room_for_identity_or_what_never_travels(
    event: type[EventData], name: str, code: RefusalCode
) -> None:
    """Tier 3 in the clear and tier 5 anywhere are refused by the schema itself, under a code of their own."""
    with pytest.raises(Refused) as refused:
        event.read(wire({**event.EXAMPLE, name: "canary"}))
    assert (refused.value.code, refused.value.field) == (code, name)


@every_event
def test_it_refuses_a_null_and_a_missing_property(event: type[EventData]) -> None:
    """There is one way to say nothing: leave it out. What is required is named when it is missing."""
    schema = event_schema(event)
    for name in event.EXAMPLE:
        with pytest.raises(Refused) as refused:
            event.read(wire({**event.EXAMPLE, name: None}))
        assert refused.value.code is RefusalCode.PROPERTY_INVALID
    for name in schema.get("required", ()):
        with pytest.raises(Refused) as missing:
            event.read(wire({key: part for key, part in event.EXAMPLE.items() if key != name}))
        assert (missing.value.code, missing.value.field) == (RefusalCode.PROPERTY_MISSING, name)


@every_event
def test_its_json_schema_takes_and_refuses_what_the_class_does(event: type[EventData]) -> None:
    """An agency in another language is refused by its own validator before the broker does."""
    schema = event_schema(event)
    Draft202012Validator.check_schema(schema)
    check = validator(schema)
    assert check.is_valid(event.EXAMPLE)
    for bad in _spoilt(event.EXAMPLE, schema):
        assert not check.is_valid(bad), bad
        with pytest.raises(Refused):
            event.read(wire(bad))


def _spoilt(example: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The example with one thing wrong: an unknown property, a null, a wrong type, a missing property."""
    yield {**example, "unknownProperty": 1}
    for name in schema["properties"]:
        yield {**example, name: None}
        yield {**example, name: {"unexpected": True}}
    for name in schema.get("required", ()):
        yield {key: part for key, part in example.items() if key != name}


@every_event
def test_it_says_what_it_promises(event: type[EventData]) -> None:
    """Promise, when it is published and what the broker or the reader does stand in the docstring."""
    first, blank, *rest = (event.__doc__ or "").strip().splitlines()
    assert len(first) > 20
    assert blank == ""
    assert rest


@every_event
def test_it_knows_its_name_flows_and_subject(event: type[EventData]) -> None:
    """The type is `org.warmhandoff.<aggregate>.<fact>.v<major>`; a broker's word is no source's word."""
    aggregate, fact, version = event.TYPE.removeprefix(TYPE_PREFIX).split(".")
    assert event.__module__ == f"broker.schemas.{aggregate}_{fact}" + ("" if version == "v1" else f"_{version}")
    assert event.FLOWS
    assert event.FLOWS <= TO_BROKER or not event.FLOWS & TO_BROKER


@every_event
def test_each_property_has_tier_and_label(event: type[EventData]) -> None:
    """Whoever reads the schema sees how sensitive each property is; only what a provider did is of tier 3."""
    for name, part in event_schema(event)["properties"].items():
        assert part["x-label"], name
        assert part["x-tier"] <= 2 or part["x-group"] == "FG25", name


@every_event
def test_it_is_frozen_all_the_way_down(event: type[EventData]) -> None:
    """Nothing changes an event after it was read, neither itself nor a part of it."""
    for model in _models_within(event):
        assert issubclass(model, Contract)
        assert model.model_config.get("frozen") is True
        assert model.model_config.get("extra") == "forbid"


def _models_within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _types_within(field.annotation):
            yield from _models_within(part)


def _types_within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _types_within(part)
