"""A request without a body, signed by an organisation's own key: what is asked for, and when (docs/wire-format.md §11).

Its context is its own, so that the signature of an event never counts for a request, nor the other way round.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature

from broker.seal import base64url
from broker.seal.keys import SigningKey
from broker.seal.signature import Lookup, SignatureFault, VerifiedSignature, read_signature
from broker.seal.signature_line import SignedKind

TIMESTAMP_HEADER: Final = "wh-timestamp"
"""Seconds since 1970."""

_REQUEST: Final = SignedKind("wh-request", b"warm-handoff/request/v1\x00")


def request_bytes(asked: bytes, timestamp: bytes, key_id: str) -> bytes:
    """What is signed: context, key id, and the SHA-256 of `GET /events/… <timestamp>`, the path as it is sent."""
    return _REQUEST.signed_bytes(asked + b" " + timestamp, key_id)


def sign_request(asked: bytes, timestamp: bytes, key: SigningKey) -> bytes:
    """The value of the `wh-signature` header of this request."""
    signature = base64url.encode(key.sign(request_bytes(asked, timestamp, key.key_id)))
    return f"v1 {key.key_id} {signature}".encode()


def verify_request(
    asked: bytes, timestamp: bytes, signature: bytes, lookup: Lookup
) -> VerifiedSignature | SignatureFault:
    """Whose key signed exactly this request. Never raises for anything that a request may hold."""
    read = read_signature(signature)
    if read is None:
        return SignatureFault.MALFORMED
    key_id, signed = read
    key = lookup(key_id)
    if key is None:
        return SignatureFault.UNKNOWN_KEY
    try:
        key.ed25519.verify(signed, request_bytes(asked, timestamp, key_id))
    except InvalidSignature:
        return SignatureFault.BAD
    return VerifiedSignature(key.org, key_id)
