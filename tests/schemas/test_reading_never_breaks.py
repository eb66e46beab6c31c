"""Hypothesis: no record, however made, gets anything but an event or a refusal, and no refusal repeats a value."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.schemas.attributes import FORMS
from broker.schemas.envelope import binary_record, read_envelope, structured_record
from broker.schemas.event import EventData, events
from broker.schemas.refusal import ADVICE, RefusalCode, Refused
from tests.schemas.samples import envelope_for, wire

CANARY = "kanarienvogel"

header_names = st.one_of(
    st.sampled_from([*(f"ce_{name}" for name in FORMS), "content-type", "wh-signature"]), st.text(max_size=20)
)
header_values = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from([b"application/json", b"application/cloudevents+json", b"1.0", b"actual", b"2026-03-04T02:10:00Z"]),
    st.sampled_from([event.encode() for event in events()]),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.integers(10**4000, 10**4001)
)
documents = st.recursive(
    scalars, lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=12), below, max_size=4)
)
every_event = st.sampled_from(list(events().values()))


def outcome(key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Refused | None:
    """Reads a record as the broker does; anything but an event or a refusal fails the test."""
    try:
        received = read_envelope(key, headers, value)
        received.event_class.read(received.data)
    except Refused as refused:
        return refused
    return None


def record_of(event: type[EventData], value: bytes) -> tuple[bytes, Sequence[tuple[str, bytes]], bytes]:
    """A record of that type with any value."""
    envelope = envelope_for(event)
    headers, value = binary_record(envelope, value)
    return envelope.subject.encode(), headers, value


@given(
    st.none() | st.binary(max_size=40),
    st.lists(st.tuples(header_names, header_values), max_size=40),
    st.none() | st.binary(max_size=200),
)
def test_arbitrary_records_are_refused(
    key: bytes | None, headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    """Noise on a topic is quarantined by code; it never raises anything else."""
    outcome(key, headers, value)


@given(every_event, st.data())
def test_a_good_event_with_arbitrary_attributes(event: type[EventData], data: st.DataObject) -> None:
    """One attribute of a good event replaced by anything."""
    key, headers, value = record_of(event, wire(event.EXAMPLE))
    place = data.draw(st.integers(0, len(headers) - 1))
    spoilt: list[tuple[str, bytes | None]] = [*headers]
    spoilt[place] = (spoilt[place][0], data.draw(header_values))
    outcome(key, spoilt, value)


@given(every_event, documents)
def test_arbitrary_json_as_data(event: type[EventData], document: Any) -> None:
    """Any JSON in the place of the data, in both modes."""
    envelope = envelope_for(event)
    value = json.dumps(document).encode()
    outcome(*record_of(event, value))
    structured_headers, whole = structured_record(envelope, b"{}")
    spliced = whole[: whole.rindex(b'"data"')] + b'"data":' + value + b"}"
    outcome(envelope.subject.encode(), structured_headers, spliced)


@given(every_event, st.data())
def test_a_refusal_never_holds_a_value(event: type[EventData], data: st.DataObject) -> None:
    """A canary put in any place of a good event appears in no refusal, neither as value nor as a property's name."""
    document = json.loads(json.dumps(event.EXAMPLE))
    spot = document
    while isinstance(spot, (dict, list)) and spot:
        name = data.draw(st.sampled_from(sorted(spot)) if isinstance(spot, dict) else st.integers(0, len(spot) - 1))
        below = spot[name]
        if not isinstance(below, (dict, list)) or not below or data.draw(st.booleans()):
            if isinstance(spot, dict) and data.draw(st.booleans()):
                spot[CANARY] = below
            else:
                spot[name] = data.draw(st.sampled_from([CANARY, [CANARY], {CANARY: CANARY}, {"name": CANARY}]))
            break
        spot = below
    refused = outcome(*record_of(event, wire(document)))
    if refused is not None:
        assert CANARY not in f"{refused} {refused.field}"
        assert refused.__cause__ is None
        assert refused.__suppress_context__


def test_every_refusal_code_has_words() -> None:
    """Whoever is refused learns in plain words what it means and what to do."""
    assert set(ADVICE) == set(RefusalCode)
    assert all(advice.meaning and advice.remedy for advice in ADVICE.values())
