"""Signing keys and the public halves of all keys. No key that opens anything can be had from here.

The broker's zone imports this and never `broker.seal.opening`, which alone knows private sealing keys
(docs/decisions/0011).
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from broker.schemas.ids import KeyId, OrgId
from broker.seal import base64url
from broker.seal.cards import KeyCard, KeyKind, org_of_key
from broker.seal.errors import KeyMissing, PublicKeyRefused
from broker.seal.key_files import read_keys, write_key
from broker.seal.secret import Secret


@dataclass(frozen=True, slots=True)
class PublicSigningKey:
    """An organisation's Ed25519 public key, 32 bytes, that signatures are checked with."""

    key_id: KeyId
    public: bytes
    ed25519: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ed25519", _ed25519(self.public))

    @property
    def org(self) -> OrgId:
        """Whose key it is."""
        return org_of_key(self.key_id)

    @classmethod
    def of_card(cls, card: KeyCard, kind: KeyKind = KeyKind.SIGNING) -> Self:
        """The key that a card shows; `kind` is SIGNING, or DIRECTORY or POLICY for those that sign these.

        Raises:
            PublicKeyRefused: where the card is of a key for something else.
        """
        if card.kind is not kind:
            raise PublicKeyRefused(f"A {card.kind.value} key's card was given where a {kind.value} key's is needed.")
        return cls(card.key_id, card.public)


@lru_cache(maxsize=4096)
def _ed25519(public: bytes) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise PublicKeyRefused from None


@dataclass(frozen=True, slots=True)
class PublicSealingKey:
    """An organisation's X25519 public key, 32 bytes, that content keys are wrapped for."""

    key_id: KeyId
    public: bytes
    x25519: X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "x25519", X25519PublicKey.from_public_bytes(self.public))
        except ValueError:
            raise PublicKeyRefused from None

    @property
    def org(self) -> OrgId:
        """Whose key it is."""
        return org_of_key(self.key_id)

    @classmethod
    def of_card(cls, card: KeyCard) -> Self:
        """The key that a card shows.

        Raises:
            PublicKeyRefused: where the card is of a signing key.
        """
        if card.kind is not KeyKind.SEALING:
            raise PublicKeyRefused("A signing key's card was given where a sealing key's is needed.")
        return cls(card.key_id, card.public)


class SigningKey(Secret):
    """An organisation's Ed25519 private key. Its repr names the key and shows nothing of it."""

    KIND: ClassVar[KeyKind] = KeyKind.SIGNING
    __slots__ = ("_private", "key_id")

    def __init__(self, key_id: KeyId, private: bytes) -> None:
        self.key_id = key_id
        self._private = Ed25519PrivateKey.from_private_bytes(private)

    @classmethod
    def new(cls, key_id: KeyId) -> Self:
        """A fresh key."""
        return cls(key_id, Ed25519PrivateKey.generate().private_bytes_raw())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key_id}>"

    @property
    def org(self) -> OrgId:
        """Whose key it is."""
        return org_of_key(self.key_id)

    @property
    def public(self) -> PublicSigningKey:
        """The public half."""
        return PublicSigningKey(self.key_id, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature of a message."""
        return self._private.sign(message)

    def card(self, created_at: datetime, not_after: datetime | None = None) -> KeyCard:
        """The public key card."""
        return KeyCard(
            org_id=self.org,
            key_id=self.key_id,
            kind=self.KIND,
            public_key=base64url.encode(self.public.public),
            created_at=created_at,
            not_after=not_after,
        )

    def keep(self, folder: Path, created_at: datetime, not_after: datetime | None = None) -> KeyCard:
        """Write the key into the zone's folder (mode 0600, never over another key) and give its card.

        Raises:
            KeyExists, KeyFileTooOpen, KeyFileForeign: nothing has been written then.
        """
        card = self.card(created_at, not_after)
        write_key(folder, card, self._private.private_bytes_raw())
        return card


class OperatorKey(SigningKey):
    """The private key with which the network's operator signs its directory, and nothing else."""

    KIND: ClassVar[KeyKind] = KeyKind.DIRECTORY
    __slots__ = ()


class PolicyKey(SigningKey):
    """The private key with which a privacy officer signs policy packs, and nothing else."""

    KIND: ClassVar[KeyKind] = KeyKind.POLICY
    __slots__ = ()


class LogKey(SigningKey):
    """The private key with which the sequencer signs the trail's checkpoints, and nothing else."""

    KIND: ClassVar[KeyKind] = KeyKind.LOG
    __slots__ = ()


Key = TypeVar("Key", bound=SigningKey)


def load_signing_key(folder: Path, org: OrgId, now: datetime) -> SigningKey:
    """The organisation's newest signing key that is valid at `now` (UTC).

    Raises:
        KeyMissing: where there is none.
        KeyFileTooOpen, KeyFileForeign, KeyFileBroken: where a signing key's file cannot be trusted.
    """
    return _newest(SigningKey, folder, org, now)


def load_operator_key(folder: Path, org: OrgId, now: datetime) -> OperatorKey:
    """The operator's newest key for directories that is valid at `now` (UTC); raises as `load_signing_key`."""
    return _newest(OperatorKey, folder, org, now)


def load_policy_key(folder: Path, org: OrgId, now: datetime) -> PolicyKey:
    """The privacy officer's newest key for policy packs valid at `now` (UTC); raises as `load_signing_key`."""
    return _newest(PolicyKey, folder, org, now)


def load_log_keys(folder: Path, org: OrgId, now: datetime) -> list[LogKey]:
    """Every key for checkpoints that is valid at `now` (UTC), the newest first: while keys overlap, all of them sign.

    Raises:
        KeyMissing, KeyFileTooOpen, KeyFileForeign, KeyFileBroken: as `load_signing_key`.
    """
    return [LogKey(key_id, private) for _, key_id, private in _valid(LogKey, folder, org, now)]


def _newest(kind: type[Key], folder: Path, org: OrgId, now: datetime) -> Key:
    _, key_id, private = _valid(kind, folder, org, now)[0]
    return kind(key_id, private)


def _valid(kind: type[SigningKey], folder: Path, org: OrgId, now: datetime) -> list[tuple[datetime, KeyId, bytes]]:
    kept = read_keys(folder, org, kind.KIND, _public_half)
    valid = [(card.created_at, card.key_id, private) for card, private in kept if card.valid_at(now)]
    if not valid:
        raise KeyMissing(f"{org} has no valid {kind.KIND.value} key in {folder}.")
    return sorted(valid, reverse=True)


def _public_half(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
