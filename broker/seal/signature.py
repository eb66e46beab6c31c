"""Each event carries its publisher's Ed25519 signature over its attributes and content; any change of either is seen.

The header `wh-signature` holds `v1 <key id> <signature>`. What is signed, byte by byte: docs/wire-format.md §5.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from operator import itemgetter
from struct import pack
from typing import Final

from cryptography.exceptions import InvalidSignature

from broker.schemas.ids import KEY_ID_PATTERN, KeyId, OrgId
from broker.schemas.refusal import RefusalCode
from broker.seal import base64url
from broker.seal.cards import org_of_key
from broker.seal.errors import NotSignable
from broker.seal.keys import PublicSigningKey, SigningKey

SIGNATURE_HEADER: Final = "wh-signature"
SIGNATURE_BYTES: Final = 64
HEADER_NAME_BYTES_MAX: Final = 0xFFFF

Headers = Sequence[tuple[str, bytes | None]]

_CONTEXT: Final = b"warm-handoff/event/v1\x00"
_VERSION: Final = "v1"
_KEY_ID: Final = re.compile(KEY_ID_PATTERN)
_HEADER_BYTES_MAX: Final = 256
"""Of the signature header: a version, the longest key id and 86 characters."""


class SignatureFault(StrEnum):
    """Why a signature does not count."""

    MISSING = "MISSING"
    MALFORMED = "MALFORMED"
    FOREIGN_KEY = "FOREIGN_KEY"
    """The key belongs to another organisation than the event's source."""
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNSIGNABLE = "UNSIGNABLE"
    """A header that the signature would cover occurs twice or has no value."""
    BAD = "BAD"

    @property
    def refusal(self) -> RefusalCode:
        """What the publisher is told."""
        return _REFUSALS.get(self, RefusalCode.SIGNATURE_INVALID)


_REFUSALS: Final = {
    SignatureFault.MISSING: RefusalCode.SIGNATURE_MISSING,
    SignatureFault.FOREIGN_KEY: RefusalCode.KEY_UNKNOWN,
    SignatureFault.UNKNOWN_KEY: RefusalCode.KEY_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """Who has certainly signed, and with which key."""

    org: OrgId
    key_id: KeyId


Lookup = Callable[[KeyId], PublicSigningKey | None]
"""The registered signing key of this id; None where there is none or it has ended."""


def signed_bytes(headers: Headers, value: bytes, key_id: str) -> bytes:
    """What is signed: the context, the key id, `content-type` and each `ce_` header by name, the value's SHA-256.

    The same for binary and structured mode. With an empty key id it identifies an event's content whoever signed it.

    Raises:
        NotSignable: where such a header occurs twice, has no value, or a name that is too long or not text.
    """
    covered = [(name, text) for name, text in headers if name == "content-type" or name.startswith("ce_")]
    try:
        named = sorted(((name.encode(), text) for name, text in covered), key=itemgetter(0))
    except UnicodeEncodeError:
        raise NotSignable from None
    key = key_id.encode()
    parts = [_CONTEXT, pack(">H", len(key)), key]
    before = b""
    for name, text in named:
        if text is None or name == before or len(name) > HEADER_NAME_BYTES_MAX:
            raise NotSignable
        parts += (pack(">H", len(name)), name, pack(">I", len(text)), text)
        before = name
    parts += (pack(">Q", len(value)), sha256(value).digest())
    return b"".join(parts)


def sign(headers: Headers, value: bytes, key: SigningKey) -> bytes:
    """The value of the `wh-signature` header for a record with these headers and this value.

    Raises:
        NotSignable: as `signed_bytes`.
    """
    signature = base64url.encode(key.sign(signed_bytes(headers, value, key.key_id)))
    return f"{_VERSION} {key.key_id} {signature}".encode()


def verify(headers: Headers, value: bytes, org: OrgId, lookup: Lookup) -> VerifiedSignature | SignatureFault:
    """Whether `org`, the event's source, has signed exactly these headers and this value.

    Never raises for anything that a record may hold. Ed25519 releases the interpreter's lock meanwhile.
    """
    found = [content for name, content in headers if name == SIGNATURE_HEADER]
    if not found:
        return SignatureFault.MISSING
    read = read_signature(found[0]) if len(found) == 1 else None
    if read is None:
        return SignatureFault.MALFORMED
    key_id, signature = read
    if org_of_key(key_id) != org:
        return SignatureFault.FOREIGN_KEY
    key = lookup(key_id)
    if key is None:
        return SignatureFault.UNKNOWN_KEY
    return _checked(headers, value, key_id, signature, key)


def _checked(
    headers: Headers, value: bytes, key_id: KeyId, signature: bytes, key: PublicSigningKey
) -> VerifiedSignature | SignatureFault:
    try:
        key.ed25519.verify(signature, signed_bytes(headers, value, key_id))
    except NotSignable:
        return SignatureFault.UNSIGNABLE
    except InvalidSignature:
        return SignatureFault.BAD
    return VerifiedSignature(key.org, key_id)


def read_signature(header: bytes | None) -> tuple[KeyId, bytes] | None:
    """The key id and the signature that a header holds; None where it has any other form."""
    if header is None or len(header) > _HEADER_BYTES_MAX:
        return None
    try:
        version, key_id, text = header.decode("ascii").split(" ")
        signature = base64url.decode(text)
    except ValueError:
        return None
    if version != _VERSION or not _KEY_ID.fullmatch(key_id) or len(signature) != SIGNATURE_BYTES:
        return None
    return KeyId(key_id), signature
