"""The AsyncAPI document is that of the classes, hangs together, and describes what is really on the topics."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from broker.schemas.asyncapi import document, message_of
from broker.schemas.catalogue import pretty
from broker.schemas.envelope import binary_record
from broker.schemas.event import EventData, Flow, events
from tests.schemas.samples import envelope_for, wire

WHOLE = document()
CHECKED_IN = Path(__file__).parents[2] / "docs" / "asyncapi.json"
ALLOWED = {
    "channels": {"address", "description", "parameters", "messages"},
    "operations": {"action", "channel", "messages"},
    "messages": {
        *("name", "title", "summary", "contentType", "headers", "payload", "bindings", "examples"),
    },
}
"""The keys of AsyncAPI 3.0.0 that the document uses; a misspelt one would be silently ignored by every reader."""


def resolved(whole: dict[str, Any], reference: str) -> Any:
    """What a reference within the document leads to."""
    part: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def references(part: Any) -> Iterator[str]:
    """Every reference in the document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for below in part.values():
            yield from references(below)
    elif isinstance(part, list):
        for below in part:
            yield from references(below)


def test_the_checked_in_document_is_that_of_the_classes() -> None:
    """Any drift is seen in review: run `handoff schema write` and look at the difference."""
    assert CHECKED_IN.read_text(encoding="utf-8") == pretty(WHOLE)


def test_it_has_the_shape_of_asyncapi_3() -> None:
    """Root, channels, operations and messages have what AsyncAPI 3.0.0 asks for and nothing it does not know."""
    whole = WHOLE
    assert whole["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(whole["info"])
    for channel in whole["channels"].values():
        assert set(channel) == ALLOWED["channels"]
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])
    for operation in whole["operations"].values():
        assert set(operation) == ALLOWED["operations"]
        assert operation["action"] in ("send", "receive")
        inside = f"{operation['channel']['$ref']}/messages/"
        assert all(message["$ref"].startswith(inside) for message in operation["messages"])
    for message in whole["components"]["messages"].values():
        assert set(message) == ALLOWED["messages"]
    assert all(re.fullmatch(r"[\w.-]+", name) for part in whole["components"].values() for name in part)


def test_every_reference_leads_somewhere() -> None:
    """No reader stumbles over a missing definition."""
    whole = WHOLE
    for reference in references(whole):
        assert resolved(whole, reference)


def test_each_event_is_in_the_channels_of_its_flows_and_in_no_other() -> None:
    """The channels say who writes and who reads what."""
    channels = WHOLE["channels"]
    assert set(channels) == {flow.value for flow in Flow}
    for event in events().values():
        assert {flow for flow in Flow if event.__name__ in channels[flow.value]["messages"]} == set(event.FLOWS)


def test_the_broker_receives_what_others_send() -> None:
    """AsyncAPI's action is seen from this application."""
    actions = {
        operation["channel"]["$ref"].rsplit("/", 1)[-1]: operation["action"]
        for operation in WHOLE["operations"].values()
    }
    sent = dict.fromkeys(("notice", "provider", "keys"), "send")
    assert actions == {**dict.fromkeys(("source", "source-keys", "answer"), "receive"), **sent}


@pytest.mark.parametrize("event", events().values(), ids=lambda event: event.__name__)
def test_a_real_record_fits_its_message(event: type[EventData]) -> None:
    """Headers, key and payload of what is really written are valid by the document's own schemas."""
    whole = WHOLE
    message = whole["components"]["messages"][event.__name__]
    envelope = envelope_for(event)
    headers, value = binary_record(envelope, wire(event.EXAMPLE))
    texts = {name: content.decode() for name, content in headers} | {"wh-signature": "v1 x y"}
    for schema, real in [
        (message["headers"], texts),
        (message["bindings"]["kafka"]["key"], envelope.subject),
        (message["payload"], json.loads(value)),
    ]:
        Draft7Validator.check_schema(schema)
        Draft7Validator({**schema, "components": whole["components"]}).validate(real)
    assert message["name"] == event.TYPE


def test_one_message_can_be_shown_by_itself() -> None:
    """`handoff schema show NAME --asyncapi` gives a part in which every reference is resolved."""
    for event in events().values():
        part = message_of(event)
        assert list(part["components"]["messages"]) == [event.__name__]
        for reference in references(part):
            assert resolved(part, reference)
