"""Whatever a Kafka record holds, it is read whole or refused by a code, and no refusal repeats a value."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from broker.schemas.attributes import REQUIRED
from broker.schemas.envelope import (
    HEADERS_MAX,
    RECORD_BYTES_MAX,
    Envelope,
    binary_record,
    read_envelope,
    structured_record,
)
from broker.schemas.ids import ConsentId, EventId, OfferId, OrgId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from tests.schemas.samples import envelope_for, wire

Record = tuple[bytes | None, list[tuple[str, bytes | None]], bytes | None]
Spoil = Callable[[Record], Record]
CANARY = "canary-jane-doe"


def record() -> Record:
    """A good record in binary mode."""
    envelope = envelope_for(ReferralRequested)
    headers, value = binary_record(envelope, wire(ReferralRequested.EXAMPLE))
    return envelope.subject.encode(), [*headers], value


def structured() -> tuple[bytes, list[tuple[str, bytes]], dict[str, Any]]:
    """A good record in structured mode, its value still a document."""
    envelope = envelope_for(ReferralRequested)
    headers, value = structured_record(envelope, wire(ReferralRequested.EXAMPLE))
    return envelope.subject.encode(), headers, json.loads(value)


def with_header(name: str, content: bytes | None) -> Spoil:
    """The record with one header set, or added."""

    def spoil(good: Record) -> Record:
        key, headers, value = good
        return key, [*((n, c) for n, c in headers if n != name), (name, content)], value

    return spoil


def without_header(name: str) -> Spoil:
    """The record with one header left out."""
    return lambda good: (good[0], [(n, c) for n, c in good[1] if n != name], good[2])


def with_more_headers(*more: tuple[str, bytes]) -> Spoil:
    """The record with headers added."""
    return lambda good: (good[0], [*good[1], *more], good[2])


def with_key(key: bytes | None) -> Spoil:
    """The record under another key."""
    return lambda good: (key, good[1], good[2])


def with_value(value: bytes | None) -> Spoil:
    """The record with another value."""
    return lambda good: (good[0], good[1], value)


C = RefusalCode
REFUSALS: list[tuple[str, Spoil, RefusalCode, str | None]] = [
    ("no value", with_value(None), C.VALUE_MISSING, None),
    ("oversized", with_value(b" " * (RECORD_BYTES_MAX + 1)), C.TOO_LARGE, None),
    ("too many headers", with_more_headers(*((f"x{n}", b"") for n in range(HEADERS_MAX))), C.TOO_LARGE, "headers"),
    ("a null header of ours", with_header("ce_id", None), C.HEADER_NULL, "ce_id"),
    ("a null header of theirs", with_header(CANARY, None), C.HEADER_NULL, None),
    ("a binary header of ours", with_header("ce_source", b"\xff\xfe"), C.HEADER_NOT_TEXT, "ce_source"),
    ("a binary header of theirs", with_header(CANARY, b"\xff\xfe"), C.HEADER_NOT_TEXT, None),
    ("a header of ours twice", with_more_headers(("ce_id", b"x")), C.HEADER_TWICE, "ce_id"),
    ("a header of theirs twice", with_more_headers((CANARY, b"x"), (CANARY, b"x")), C.HEADER_TWICE, None),
    ("no content type", without_header("content-type"), C.NOT_A_CLOUDEVENT, "content-type"),
    ("another content type", with_header("content-type", b"text/plain"), C.NOT_A_CLOUDEVENT, "content-type"),
    ("another CloudEvents", with_header("ce_specversion", b"0.3"), C.NOT_A_CLOUDEVENT, "specversion"),
    ("an unknown attribute", with_header(f"ce_{CANARY}", b"x"), C.ATTRIBUTE_UNKNOWN, None),
    ("an unknown type", with_header("ce_type", b"org.warmhandoff.referral.dreamt.v1"), C.TYPE_UNKNOWN, "type"),
    ("a type of another kind", with_header("ce_type", CANARY.encode() + b" x"), C.TYPE_UNKNOWN, "type"),
    ("no key", with_key(None), C.KEY_MISMATCH, "key"),
    ("another key", with_key(CANARY.encode()), C.KEY_MISMATCH, "key"),
    ("another partition key", with_header("ce_partitionkey", CANARY.encode()), C.KEY_MISMATCH, "partitionkey"),
    *((f"no {name}", without_header(f"ce_{name}"), C.ATTRIBUTE_MISSING, name) for name in REQUIRED),
    *(
        (f"{name} = {bad!r}", with_header(f"ce_{name}", bad), C.ATTRIBUTE_INVALID, name)
        for name, bad in [
            ("id", b"1"),
            ("id", b"5b1d6f0e-7c7a-4c7e-9a0f-2f3c8f0a9d11\n"),
            ("source", b"org-advocacy-a"),
            ("source", b"urn:dvb:org:Jane Doe"),
            ("source", b"urn:dvb:org:org-" + b"a" * 61),
            ("subject", b"jane-doe"),
            ("subject", b"Jane Doe"),
            ("subject", b"inc-8d1f9e60-4b3a-4f0c-9a66-2f4d7b3c1e05"),
            ("subject", b"ref-0b6e9d0c-6f0b-1a57-9f1e-3a7f0c2d5e44"),
            ("time", b"2026-03-04T02:10:00"),
            ("time", b"2026-03-04"),
            ("time", b"1772590200"),
            ("time", b"2026-02-30T02:10:00Z"),
            ("time", b"0001-01-01T00:00:00+05:00"),
            ("time", "٢٠٢٦-03-04T02:10:00Z".encode()),
            ("expirytime", b"soon"),
            ("recordedtime", b"2026-03-04T25:10:00Z"),
            ("msgstatus", b"live"),
            ("msgstatus", b"ACTUAL"),
            ("consentid", b"consent-1"),
            ("consentver", b"0"),
            ("consentver", b"1.5"),
            ("consentver", b"1000000"),
            ("offerid", b"off-1"),
            ("causationid", b"x"),
            ("correlationid", b"Jane Doe"),
            ("correlationid", b"JaneDoe"),
            ("traceparent", b"00-00000000000000000000000000000000-00f067aa0ba902b7-02"),
            ("dataclassification", b"very secret"),
            ("datacontenttype", b"text/plain"),
        ]
    ),
]


@pytest.mark.parametrize(
    ("spoil", "code", "field"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_a_spoilt_record_is_refused_by_its_code(spoil: Spoil, code: RefusalCode, field: str | None) -> None:
    """Each way of not being one of our events has its code and, where it helps, the name of the attribute."""
    with pytest.raises(Refused) as refused:
        read_envelope(*spoil(record()))
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "jane" not in str(refused.value).lower()


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        (b"{", C.JSON_INVALID, None),
        (b"\xff", C.JSON_INVALID, None),
        (b'{"data": NaN}', C.JSON_INVALID, None),
        (b"[]", C.NOT_A_CLOUDEVENT, "data"),
        (b"{}", C.NOT_A_CLOUDEVENT, "data"),
        (b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}", C.TOO_DEEP, None),
        (b'{"data": 1, "id": 7}', C.ATTRIBUTE_INVALID, "id"),
        (b'{"data": 1, "consentver": true}', C.ATTRIBUTE_INVALID, "consentver"),
        (b'{"data": 1, "consentver": ' + b"9" * 4000 + b"}", C.ATTRIBUTE_INVALID, "consentver"),
        (b'{"data": 1, "consentver": ' + b"9" * 6000 + b"}", C.JSON_INVALID, None),
        (b'{"data": 1, "canary": {}}', C.ATTRIBUTE_INVALID, None),
        (b'{"data": 1, "canary": "x"}', C.ATTRIBUTE_UNKNOWN, None),
        (b'{"data": 1}', C.ATTRIBUTE_MISSING, "id"),
    ],
)
def test_a_spoilt_structured_event_is_refused_by_its_code(value: bytes, code: RefusalCode, field: str | None) -> None:
    """Structured mode is read as strictly as binary mode."""
    with pytest.raises(Refused) as refused:
        read_envelope(b"k", [("content-type", b"application/cloudevents+json")], value)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("content_type", [b"application/json", b"Application/JSON; charset=utf-8"])
def test_the_content_type_is_read_as_http_reads_it(content_type: bytes) -> None:
    """Case and parameters of the content type do not matter (CloudEvents Kafka binding §3.1)."""
    assert read_envelope(*with_header("content-type", content_type)(record()))


def test_a_header_that_is_not_ours_does_not_matter() -> None:
    """A publisher's own tracing headers are left alone."""
    assert read_envelope(*with_more_headers(("x-request-id", b"7"), ("baggage", b""))(record()))


def test_an_integer_consent_version_is_read_in_structured_mode() -> None:
    """CloudEvents JSON has integers: `consentver` may be one."""
    key, headers, document = structured()
    received = read_envelope(key, headers, wire({**document, "consentver": 3}))
    assert received.envelope.consentver == 3


@pytest.mark.parametrize(
    "text",
    ["2026-03-04T02:10:00Z", "2026-03-04t02:10:00z", "2026-03-03T18:10:00-08:00", "2026-03-04T02:10:00.000000000Z"],
)
def test_every_spelling_of_a_moment_is_the_same_utc_moment(text: str) -> None:
    """Zones are resolved at the door; inside, times are UTC."""
    received = read_envelope(*with_header("ce_time", text.encode())(record()))
    assert received.envelope.time == datetime(2026, 3, 4, 2, 10, tzinfo=UTC)
    assert received.envelope.time.tzinfo is UTC


def test_what_is_written_is_what_is_read() -> None:
    """Every attribute that an envelope may have survives both modes."""
    envelope = Envelope(
        id=EventId("5b1d6f0e-7c7a-4c7e-9a0f-2f3c8f0a9d11"),
        org=OrgId("org-advocacy-a"),
        type=ReferralRequested.TYPE,
        subject=envelope_for(ReferralRequested).subject,
        time=datetime(2026, 3, 3, 18, 10, 0, 5, tzinfo=timezone(timedelta(hours=-8))),
        expirytime=datetime(2026, 3, 4, 6, 10, tzinfo=UTC),
        causationid=EventId("a3c1b5de-58a5-4f0f-8c1d-0f6f1a0f2b77"),
        correlationid="ref-0b6e9d0c-6f0b-4a57-9f1e-3a7f0c2d5e44",
        consentid=ConsentId("c7a6a0d8-2c0e-4c0b-8a75-0f4f3a3f6f10"),
        consentver=2,
        offerid=OfferId("off-5a0f1c3e-9d0f-4c55-8f2e-0d4c7c1b6a10"),
    )
    for record_of in (binary_record, structured_record):
        headers, value = record_of(envelope, wire(ReferralRequested.EXAMPLE))
        assert read_envelope(envelope.subject.encode(), headers, value).envelope == envelope


def test_deep_data_are_refused_as_too_deep() -> None:
    """Nesting that would exhaust the reader is a refusal of its own, in binary mode as well."""
    with pytest.raises(Refused) as refused:
        ReferralRequested.read(b'{"services":' + b"[" * 5000 + b"]" * 5000 + b"}")
    assert refused.value.code is RefusalCode.TOO_DEEP
