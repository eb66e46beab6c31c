"""docs/wire-format-vectors.json says what the page says, and the project speaks it, both ways."""

import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.schemas.attributes import FORMS
from broker.schemas.envelope import CLOCK_AHEAD_SECONDS_MAX, HEADERS_MAX, RECORD_BYTES_MAX, read_envelope
from broker.schemas.field_groups import FieldGroup, group_model
from broker.schemas.ids import KeyId, OrgId, ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import RefusalCode
from broker.schemas.sealed import GROUP_BYTES_CLASSES, GROUP_BYTES_MAX, WRAPPED_BYTES, SealedGroup, WrappedKey
from broker.schemas.topics import Topics
from broker.seal import base64url
from broker.seal.binding import group_binding, key_binding
from broker.seal.keys import OperatorKey, SigningKey
from broker.seal.opening import OpeningKey, open_group
from broker.seal.padding import pad, unpad
from broker.seal.request_signature import request_bytes, sign_request, verify_request
from broker.seal.sealing import seal_group, wrap_key
from broker.seal.signature import SIGNATURE_HEADER, SignatureFault, VerifiedSignature, sign, signed_bytes, verify
from broker.seal.signature_line import DIRECTORY
from broker.seal.signed_directory import signed_directory, verified_directory
from broker.web.binding import kafka_headers
from broker.zone import NetworkDirectory
from tests.seal import reference
from tests.seal.make_vectors import FILE, vectors

VECTORS: dict[str, Any] = json.loads(FILE.read_text())
SIGNING = SigningKey(KeyId(VECTORS["keys"]["signing"]["keyId"]), bytes.fromhex(VECTORS["keys"]["signing"]["private"]))
OPENING = OpeningKey(KeyId(VECTORS["keys"]["sealing"]["keyId"]), bytes.fromhex(VECTORS["keys"]["sealing"]["private"]))
GROUPS = VECTORS["sealedGroups"]
WRAPS = VECTORS["wrappedKeys"]
EVENTS = VECTORS["events"]


def sealed_group(vector: dict[str, Any]) -> SealedGroup:
    """A vector as it stands in an event."""
    return SealedGroup(field_group=FieldGroup(vector["fieldGroup"]), ciphertext=vector["ciphertext"])


def wrapped_key(vector: dict[str, Any]) -> WrappedKey:
    """A vector as it stands in an event."""
    names = ("fieldGroup", "recipient", "keyId", "wrapped")
    return WrappedKey.model_validate({name: vector[name] for name in names})


def headers(event: dict[str, Any]) -> list[tuple[str, bytes]]:
    """An event's headers, without its signature."""
    return [(name, text.encode()) for name, text in event["headers"].items()]


def test_the_file_is_what_the_second_implementation_computes() -> None:
    """Nobody has edited a vector by hand."""
    assert vectors() == VECTORS


def test_the_keys_halves_belong_together() -> None:
    """Public from private, for both kinds."""
    assert SIGNING.public.public.hex() == VECTORS["keys"]["signing"]["public"]
    assert OPENING.public.public.hex() == VECTORS["keys"]["sealing"]["public"]


@pytest.mark.parametrize("vector", VECTORS["padding"], ids=lambda vector: str(vector["textBytes"]))
def test_padding(vector: dict[str, Any]) -> None:
    """Every edge of every size class."""
    padded = pad(b"x" * vector["textBytes"])
    assert (len(padded), hashlib.sha256(padded).hexdigest()) == (vector["paddedBytes"], vector["paddedSha256"])
    assert unpad(padded) == b"x" * vector["textBytes"]


@pytest.mark.parametrize("vector", GROUPS, ids=lambda vector: str(vector["fieldGroup"]))
def test_a_sealed_group(vector: dict[str, Any]) -> None:
    """Associated data, ciphertext from the fixed key and nonce, and that the text is a group of the contract."""
    referral, group = ReferralId(vector["referralId"]), FieldGroup(vector["fieldGroup"])
    assert group_binding(referral, group).hex() == vector["associatedData"]
    nonce, padded = bytes.fromhex(vector["nonce"]), pad(vector["text"].encode())
    encrypted = AESGCM(bytes.fromhex(vector["contentKey"])).encrypt(nonce, padded, group_binding(referral, group))
    assert base64url.encode(nonce + encrypted) == vector["ciphertext"]
    group_model(group).model_validate_json(vector["text"], strict=True)


@pytest.mark.parametrize(("group", "wrap"), list(zip(GROUPS, WRAPS, strict=True)), ids=["FG03", "FG04"])
def test_a_wrapped_key_opens_its_group(group: dict[str, Any], wrap: dict[str, Any]) -> None:
    """HPKE's info, and the way from the two texts on the wire to the group's text."""
    ciphertext = base64url.decode(group["ciphertext"])
    assert hashlib.sha256(ciphertext).hexdigest() == wrap["ciphertextSha256"]
    names = (ReferralId(wrap["referralId"]), FieldGroup(wrap["fieldGroup"]))
    binding = key_binding(*names, OrgId(wrap["recipient"]), KeyId(wrap["keyId"]), ciphertext)
    assert binding.hex() == wrap["info"]
    opened = open_group(ReferralId(wrap["referralId"]), sealed_group(group), wrapped_key(wrap), OPENING)
    assert opened.decode() == group["text"]


@pytest.mark.parametrize("vector", GROUPS, ids=lambda vector: str(vector["fieldGroup"]))
def test_what_the_project_seals_the_second_implementation_opens(vector: dict[str, Any]) -> None:
    """The other way round, with fresh randomness."""
    referral, group, text = ReferralId(vector["referralId"]), FieldGroup(vector["fieldGroup"]), vector["text"]
    sealed, key = seal_group(referral, group, text.encode())
    wrapped = wrap_key(referral, sealed, key, OPENING.public)
    private = bytes.fromhex(VECTORS["keys"]["sealing"]["private"])
    opened = reference.open_sealed(referral, group, sealed.ciphertext, wrapped.key_id, wrapped.wrapped, private)
    assert opened.decode() == text


def test_a_directory() -> None:
    """Signed alike, believed by whoever has pinned the key, read by both; the key that was stolen is not sealed to."""
    vector = VECTORS["directory"]
    key = OperatorKey(KeyId(vector["keyId"]), bytes.fromhex(vector["private"]))
    content, file = vector["content"].encode(), vector["file"].encode()
    assert key.public.public.hex() == vector["public"]
    assert DIRECTORY.signed_bytes(content, key.key_id).hex() == vector["signedBytes"]
    assert signed_directory(content, key) == file
    assert verified_directory(file, {key.key_id: key.public}) == content
    assert reference.read_directory(file, {vector["keyId"]: bytes.fromhex(vector["public"])}) == content
    directory = NetworkDirectory.model_validate_json(content, strict=True, by_alias=True, by_name=False)
    assert directory.wire().encode() != content  # whoever writes it anew signs it anew
    entry = directory.entry(OrgId("org-shelter-b"))
    assert [one.revoked_at is not None for one in entry.sealing_keys] == [True, False]
    assert entry.sealing_key(directory.issued_at).key_id == OPENING.key_id


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["mode"]))
def test_an_event(event: dict[str, Any]) -> None:
    """The project reads it, signs it alike (Ed25519 is deterministic) and verifies it; the reference does too."""
    value = event["value"].encode()
    assert signed_bytes(headers(event), value, SIGNING.key_id).hex() == event["signedBytes"]
    assert sign(headers(event), value, SIGNING).decode() == event["wh-signature"]
    received = read_envelope(event["key"].encode(), headers(event), value)
    fact = received.event_class.read(received.data)
    assert isinstance(fact, ReferralRequested | ReferralSealed)
    place = Topics().parse(event["topic"])
    assert place is not None
    assert place[0] in fact.FLOWS
    published = [*headers(event), (SIGNATURE_HEADER, event["wh-signature"].encode())]
    found = verify(published, value, received.envelope.org, lambda _: SIGNING.public)
    assert found == VerifiedSignature(received.envelope.org, SIGNING.key_id)
    reference.check(published, value, SIGNING.public.public)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["mode"]))
def test_an_event_over_http(event: dict[str, Any]) -> None:
    """Its headers become those of the record again, whatever a client adds, so that its signature holds unchanged."""
    sent = [(name.encode(), text.encode()) for name, text in event["httpHeaders"].items()]
    carried = kafka_headers([*sent, (b"host", b"door.example"), (b"accept", b"*/*"), (b"ce_id", b"no header of ours")])
    assert carried == [*headers(event), (SIGNATURE_HEADER, event["wh-signature"].encode())]
    reference.check(carried, event["value"].encode(), SIGNING.public.public)


@pytest.mark.parametrize("request_", VECTORS["requests"], ids=["event", "notices"])
def test_a_signed_request(request_: dict[str, Any]) -> None:
    """Signed alike, verified, and by no signature of an event."""
    asked, timestamp = f"GET {request_['target']}".encode(), request_["wh-timestamp"].encode()
    signature = request_["wh-signature"].encode()
    assert request_bytes(asked, timestamp, SIGNING.key_id).hex() == request_["signedBytes"]
    assert sign_request(asked, timestamp, SIGNING) == signature
    found = verify_request(asked, timestamp, signature, lambda _: SIGNING.public)
    assert found == VerifiedSignature(SIGNING.org, SIGNING.key_id)
    other = EVENTS[0]["wh-signature"].encode()
    assert verify_request(asked, timestamp, other, lambda _: SIGNING.public) is SignatureFault.BAD


def test_binary_and_structured_say_the_same_and_are_signed_apart() -> None:
    """Two modes of one event: the same envelope and content, but a signature of one does not fit the other."""
    for binary, structured in (EVENTS[:2], EVENTS[2:]):
        received = [
            read_envelope(one["key"].encode(), headers(one), one["value"].encode()) for one in (binary, structured)
        ]
        assert received[0].envelope == received[1].envelope
        assert json.loads(received[0].data) == json.loads(received[1].data)
        swapped = [*headers(structured), (SIGNATURE_HEADER, binary["wh-signature"].encode())]
        found = verify(swapped, structured["value"].encode(), SIGNING.org, lambda _: SIGNING.public)
        assert found is SignatureFault.BAD


def test_the_events_carry_the_sealed_groups_and_wrapped_keys_of_the_file() -> None:
    """The worked example is one story: what the event holds is what opens."""
    requested, released = (
        one.event_class.read(one.data)
        for one in (read_envelope(e["key"].encode(), headers(e), e["value"].encode()) for e in (EVENTS[0], EVENTS[2]))
    )
    assert isinstance(requested, ReferralRequested)
    assert isinstance(released, ReferralSealed)
    assert requested.sealed == tuple(map(sealed_group, GROUPS))
    assert released.wraps == tuple(map(wrapped_key, WRAPS))


PAGE = FILE.with_name("wire-format.md").read_text()


def test_the_page_quotes_the_vectors() -> None:
    """Every long hexadecimal or base64url text on the page stands in the file of vectors, so neither drifts."""
    outside_dumps = re.sub(r"```text \w+\n.*?```", "", PAGE, flags=re.DOTALL)
    shown = set(re.findall(r"\b[0-9a-f]{24,}\b|[A-Za-z0-9_-]{60,}", outside_dumps))
    assert len(shown) >= 10
    known = FILE.read_text()
    assert [text for text in shown if text not in known] == []


@pytest.mark.parametrize(
    ("dump", "expected"),
    [
        ("associatedData", GROUPS[1]["associatedData"]),
        ("info", WRAPS[1]["info"]),
        ("signedBytes", EVENTS[2]["signedBytes"]),
        ("signedDirectory", VECTORS["directory"]["signedBytes"]),
        ("signedRequest", VECTORS["requests"][0]["signedBytes"]),
    ],
    ids=["associated data", "info", "signed bytes", "signed directory", "signed request"],
)
def test_the_page_s_dumps_are_the_vectors(dump: str, expected: str) -> None:
    """The bytes that the page takes apart line by line are the vector's, whole."""
    lines = PAGE.split(f"```text {dump}\n")[1].split("```")[0].splitlines()
    assert "".join(line.partition("#")[0] for line in lines).replace(" ", "") == expected


def test_the_page_tells_the_present_contract() -> None:
    """Every attribute, size class and limit of the code stands on the page, and every code that it names exists."""
    assert [name for name in FORMS if f"`{name}`" not in PAGE] == []
    for size in GROUP_BYTES_CLASSES:
        sealed = 12 + size + 16
        assert f"| {size} | {sealed} | {len(base64url.encode(bytes(sealed)))} |" in PAGE
    for limit in (
        f"{RECORD_BYTES_MAX:,} bytes",
        f"{GROUP_BYTES_MAX} bytes",
        f"| {HEADERS_MAX} |",
        f"{WRAPPED_BYTES} bytes",
    ):
        assert limit in PAGE
    assert f"{CLOCK_AHEAD_SECONDS_MAX} s ahead" in PAGE
    codes = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))
    assert codes
    assert codes <= set(RefusalCode)


def test_the_page_tells_how_many_fit() -> None:
    """The numbers of sealed groups and wrapped keys in one event are the schema's."""
    schema = ReferralRequested.model_json_schema()["properties"]["sealed"]["maxItems"]
    wraps = ReferralSealed.model_json_schema()["properties"]["wraps"]["maxItems"]
    assert f"| Sealed groups in an event | {schema} |" in PAGE
    assert f"| Wrapped keys in an event | {wraps} |" in PAGE
