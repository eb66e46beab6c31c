"""A signature counts for exactly one organisation, key, set of attributes and content; everything else has a reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.schemas.ids import KeyId, OrgId
from broker.schemas.refusal import RefusalCode
from broker.seal import base64url
from broker.seal.errors import NotSignable
from broker.seal.keys import PublicSigningKey, SigningKey
from broker.seal.signature import SIGNATURE_HEADER, SignatureFault, VerifiedSignature, sign, signed_bytes, verify
from tests.seal.kit import AGENCY, SIGNING

Headers = list[tuple[str, bytes]]
HEADERS: Headers = [
    ("ce_type", b"org.warmhandoff.referral.cancelled.v1"),
    ("ce_id", b"5b1d6f0e-7c7a-4c7e-9a0f-2f3c8f0a9d11"),
    ("content-type", b"application/json"),
]
VALUE = b'{"reason":"SAFE_ELSEWHERE"}'


def known(key_id: KeyId) -> PublicSigningKey | None:
    """A directory with one key."""
    return SIGNING.public if key_id == SIGNING.key_id else None


def signed(headers: Headers = HEADERS, value: bytes = VALUE, key: SigningKey = SIGNING) -> Headers:
    """The headers as they go out."""
    return [*headers, (SIGNATURE_HEADER, sign(headers, value, key))]


def test_what_was_signed_verifies() -> None:
    """And says who signed, with which key."""
    assert verify(signed(), VALUE, AGENCY, known) == VerifiedSignature(AGENCY, SIGNING.key_id)


@given(order=st.permutations(signed()))
def test_the_order_of_headers_does_not_matter(order: Headers) -> None:
    """Kafka clients may reorder them."""
    assert isinstance(verify(order, VALUE, AGENCY, known), VerifiedSignature)


def test_headers_of_others_do_not_matter() -> None:
    """A tracing agent may add its own; the envelope ignores them too."""
    others = [("b3", b"1"), ("b3", b"2"), ("traceparent", b"00-x"), ("Ce_id", b"x")]
    assert isinstance(verify([*others, *signed()], VALUE, AGENCY, known), VerifiedSignature)


@given(place=st.integers(0, len(HEADERS) - 1), bit=st.integers(0, 7), at=st.integers(0, 15))
def test_a_changed_attribute_is_seen(place: int, bit: int, at: int) -> None:
    """Any bit of any attribute's first bytes."""
    headers = signed()
    name, content = headers[place]
    headers[place] = (name, content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
    assert verify(headers, VALUE, AGENCY, known) is SignatureFault.BAD


@given(value=st.binary(max_size=100))
def test_a_changed_value_is_seen(value: bytes) -> None:
    """Any other value."""
    found = verify(signed(), value, AGENCY, known)
    assert isinstance(found, VerifiedSignature) if value == VALUE else found is SignatureFault.BAD


def test_an_attribute_added_renamed_or_taken_away_is_seen() -> None:
    """The set of attributes is signed, not only their texts."""
    for headers in (
        [*signed(), ("ce_consentver", b"1")],
        signed()[1:],
        [("ce_typo", HEADERS[0][1]), *signed()[1:]],
        [("ce_subject", b""), *signed()],
    ):
        assert verify(headers, VALUE, AGENCY, known) is SignatureFault.BAD


def _with(content: Any) -> list[tuple[str, Any]]:
    return [*HEADERS, (SIGNATURE_HEADER, content)]


GOOD = sign(HEADERS, VALUE, SIGNING)
VERSION, KEY_ID, TEXT = GOOD.decode().split(" ")
FAULTS: dict[str, tuple[list[tuple[str, Any]], SignatureFault]] = {
    "none": (list(HEADERS), SignatureFault.MISSING),
    "two": ([*signed(), (SIGNATURE_HEADER, GOOD)], SignatureFault.MALFORMED),
    "null": (_with(None), SignatureFault.MALFORMED),
    "empty": (_with(b""), SignatureFault.MALFORMED),
    "not text": (_with(b"\xff\xfe"), SignatureFault.MALFORMED),
    "other version": (_with(f"v2 {KEY_ID} {TEXT}".encode()), SignatureFault.MALFORMED),
    "two spaces": (_with(f"v1  {KEY_ID} {TEXT}".encode()), SignatureFault.MALFORMED),
    "line end": (_with(GOOD + b"\n"), SignatureFault.MALFORMED),
    "key id with a line end": (_with(f"v1 {KEY_ID}\n {TEXT}".encode()), SignatureFault.MALFORMED),
    "key id without organisation": (_with(f"v1 2026-01 {TEXT}".encode()), SignatureFault.MALFORMED),
    "padded": (_with(GOOD + b"=="), SignatureFault.MALFORMED),
    "short": (_with(GOOD[:-2]), SignatureFault.MALFORMED),
    "unused bits set": (_with(GOOD[:-1] + bytes([GOOD[-1] + 1])), SignatureFault.MALFORMED),
    "very long": (_with(GOOD + b"A" * 100_000), SignatureFault.MALFORMED),
    "key of another organisation": (
        signed(key=SigningKey.new(KeyId("org-police-north#2026-01"))),
        SignatureFault.FOREIGN_KEY,
    ),
    "unknown key": (signed(key=SigningKey.new(KeyId(f"{AGENCY}#2026-02"))), SignatureFault.UNKNOWN_KEY),
    "another key under the name": (signed(key=SigningKey.new(SIGNING.key_id)), SignatureFault.BAD),
    "attribute twice": ([("ce_id", b"x"), *signed()], SignatureFault.UNSIGNABLE),
    "attribute twice alike": ([HEADERS[1], *signed()], SignatureFault.UNSIGNABLE),
    "attribute null": ([("ce_subject", None), *signed()], SignatureFault.UNSIGNABLE),
    "attribute name too long": ([("ce_" + "x" * 65_533, b""), *signed()], SignatureFault.UNSIGNABLE),
    "attribute name not text": ([("ce_\ud800", b""), *signed()], SignatureFault.UNSIGNABLE),
}


@pytest.mark.parametrize(("headers", "fault"), FAULTS.values(), ids=FAULTS)
def test_every_fault_has_its_reason(headers: list[tuple[str, Any]], fault: SignatureFault) -> None:
    """The table of what can be wrong; each reason is reached, and each has a code that the publisher is told."""
    assert verify(headers, VALUE, AGENCY, known) is fault
    assert isinstance(fault.refusal, RefusalCode)


def test_the_table_reaches_every_reason() -> None:
    """No reason exists that no test provokes."""
    assert {fault for _, fault in FAULTS.values()} == set(SignatureFault)


def test_another_organisation_cannot_sign_for_the_source() -> None:
    """A registered key is of no use to anyone but its owner."""
    assert verify(signed(), VALUE, OrgId("org-police-north"), known) is SignatureFault.FOREIGN_KEY


@given(
    headers=st.lists(st.tuples(st.text(max_size=12) | st.just(SIGNATURE_HEADER), st.none() | st.binary(max_size=150))),
    value=st.binary(max_size=50),
)
def test_verify_raises_for_nothing_that_a_record_holds(headers: list[tuple[str, bytes | None]], value: bytes) -> None:
    """And never says yes to it."""
    assert isinstance(verify(headers, value, AGENCY, known), SignatureFault)


_PART = st.text(alphabet="abc_", max_size=4)
_RECORD = st.tuples(
    st.dictionaries(_PART.map("ce_".__add__), _PART.map(str.encode), max_size=3), st.binary(max_size=3), _PART
)


@given(one=_RECORD, other=_RECORD)
def test_no_two_records_have_the_same_signed_bytes(
    one: tuple[dict[str, bytes], bytes, str], other: tuple[dict[str, bytes], bytes, str]
) -> None:
    """Lengths stand before each part, so that nothing can slip from one attribute into the next."""
    first, second = (signed_bytes(list(headers.items()), value, key) for headers, value, key in (one, other))
    assert (first == second) == (one == other)


def test_signing_refuses_what_verifying_would() -> None:
    """An attribute twice, or without a value."""
    for bad in ([*HEADERS, HEADERS[0]], [*HEADERS, ("ce_subject", None)]):
        with pytest.raises(NotSignable):
            sign(bad, VALUE, SIGNING)


@given(content=st.binary(max_size=80))
def test_base64url_has_one_text_for_each_content(content: bytes) -> None:
    """Round trip, without padding characters."""
    text = base64url.encode(content)
    assert base64url.decode(text) == content
    assert "=" not in text


@pytest.mark.parametrize("text", ["A", "AB", "AAB", "AA==", "A A", "AAA+", "AAA/", "AAA\n", "é"])
def test_base64url_refuses_every_other_text(text: str) -> None:
    """Impossible lengths, unused bits, other alphabets, spaces."""
    with pytest.raises(ValueError):
        base64url.decode(text)
