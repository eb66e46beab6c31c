"""Standard Webhooks 1.0.0: what is signed, and by which secrets: our own to send, a provider's to be believed.

Signed is `id.timestamp.content`. Several secrets may sign and be believed at once, so that one follows the other
without a gap: `v1a` (Ed25519) is proof even against whoever holds the receiver's half, `v1` (HMAC) is what every
library speaks.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.seal.secret import Secret

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

HMAC_SECRET_BYTES: Final = 32
"""The standard wants 24 to 64."""
_HMAC_SECRET_BYTES_ALLOWED: Final = range(24, 65)
_SIGNATURES_MAX: Final = 10
"""Of one request; each costs a verification."""


class WebhookSecret(Secret, ABC):
    """What signs our requests, or what a provider's requests are checked with."""

    __slots__ = ()

    @property
    @abstractmethod
    def version(self) -> str:
        """`v1` or `v1a`."""

    @abstractmethod
    def matches(self, content: bytes, signature: bytes) -> bool:
        """Whether this secret, or its private half, has made the signature."""


class SigningSecret(WebhookSecret):
    """A secret that can sign."""

    __slots__ = ()

    @abstractmethod
    def sign(self, content: bytes) -> bytes:
        """The signature of these bytes."""


class HmacSecret(SigningSecret):
    """`whsec_…`: both sides hold the same bytes."""

    __slots__ = ("_key",)
    PREFIX: Final = "whsec_"

    def __init__(self, key: bytes) -> None:
        if len(key) not in _HMAC_SECRET_BYTES_ALLOWED:
            raise ValueError("24 to 64 bytes")
        self._key = key

    @classmethod
    def new(cls) -> Self:
        """A fresh one."""
        return cls(secrets.token_bytes(HMAC_SECRET_BYTES))

    @property
    def version(self) -> str:
        return "v1"

    def sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)

    def matches(self, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(content), signature)

    def text(self) -> str:
        """As it stands in a file and as the other side gets it: the secret itself."""
        return self.PREFIX + base64.b64encode(self._key).decode()


class Ed25519Secret(SigningSecret):
    """`whsk_…`: only we can sign; the other side holds the public half (`whpk_…`)."""

    __slots__ = ("_key",)
    PREFIX: Final = "whsk_"

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def new(cls) -> Self:
        """A fresh one."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def version(self) -> str:
        return "v1a"

    def sign(self, content: bytes) -> bytes:
        return self._key.sign(content)

    def matches(self, content: bytes, signature: bytes) -> bool:
        return self.public().matches(content, signature)

    def public(self) -> "Ed25519Public":
        """What the other side checks with."""
        return Ed25519Public(self._key.public_key().public_bytes_raw())

    def text(self) -> str:
        """As it stands in a file: the secret itself."""
        return self.PREFIX + base64.b64encode(self._key.private_bytes_raw()).decode()


class Ed25519Public(WebhookSecret):
    """`whpk_…`: checks, and cannot sign."""

    __slots__ = ("_key", "_raw")
    PREFIX: Final = "whpk_"

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    @property
    def version(self) -> str:
        return "v1a"

    def matches(self, content: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    def text(self) -> str:
        """For the other side. Nothing in it is secret."""
        return self.PREFIX + base64.b64encode(self._raw).decode()


_KINDS: Final = (HmacSecret, Ed25519Secret, Ed25519Public)


def read_secret_text(text: str) -> HmacSecret | Ed25519Secret | Ed25519Public:
    """The secret that a text says.

    Raises:
        ValueError: it says none.
    """
    for kind in _KINDS:
        if text.startswith(kind.PREFIX):
            return kind(base64.b64decode(text.removeprefix(kind.PREFIX), validate=True))
    raise ValueError("none of whsec_, whsk_ and whpk_")


def signed_content(message_id: str, timestamp: int | str, content: bytes) -> bytes:
    """The bytes that are signed."""
    return f"{message_id}.{timestamp}.".encode() + content


def signed_headers(message_id: str, timestamp: int, content: bytes, signing: Iterable[SigningSecret]) -> dict[str, str]:
    """The three headers of one request; `timestamp` is in seconds since 1970 (UTC)."""
    signed = signed_content(message_id, timestamp, content)
    signatures = (f"{one.version},{base64.b64encode(one.sign(signed)).decode()}" for one in signing)
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: " ".join(signatures)}


def verified(header: str, signed: bytes, believed: Sequence[WebhookSecret]) -> bool:
    """Whether one of the signatures in a header is by one of these secrets. Malformed ones count for nothing."""
    for part in header.split(" ")[:_SIGNATURES_MAX]:
        version, _, text = part.partition(",")
        try:
            signature = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if any(one.version == version and one.matches(signed, signature) for one in believed):
            return True
    return False
