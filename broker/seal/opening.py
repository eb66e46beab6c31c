"""Only here are there keys that open: the private sealing keys of a provider, and what they open, in memory.

The broker's zone has no path to this module (design.md §2 rule 1, docs/decisions/0011). Nothing here writes a text.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.schemas.ids import KeyId, OrgId, ReferralId
from broker.schemas.sealed import NONCE_BYTES, SealedGroup, WrappedKey
from broker.seal import base64url
from broker.seal.binding import SUITE, group_binding, key_binding
from broker.seal.cards import KeyCard, KeyKind, org_of_key
from broker.seal.errors import GroupDoesNotOpen, KeyDoesNotOpen, KeyMissing, NotForThisKey, SealBroken
from broker.seal.key_files import read_keys, write_key
from broker.seal.keys import PublicSealingKey
from broker.seal.padding import unpad
from broker.seal.sealing import ContentKey, wrap_key
from broker.seal.secret import Secret


class OpeningKey(Secret):
    """An organisation's X25519 private key. Its repr names the key and shows nothing of it."""

    __slots__ = ("key_id", "x25519")

    def __init__(self, key_id: KeyId, private: bytes) -> None:
        self.key_id = key_id
        self.x25519 = X25519PrivateKey.from_private_bytes(private)

    @classmethod
    def new(cls, key_id: KeyId) -> Self:
        """A fresh key."""
        return cls(key_id, X25519PrivateKey.generate().private_bytes_raw())

    def __repr__(self) -> str:
        return f"<OpeningKey {self.key_id}>"

    @property
    def org(self) -> OrgId:
        """Whose key it is."""
        return org_of_key(self.key_id)

    @property
    def public(self) -> PublicSealingKey:
        """The public half, which sources seal to."""
        return PublicSealingKey(self.key_id, self.x25519.public_key().public_bytes_raw())

    def card(self, created_at: datetime, not_after: datetime | None = None) -> KeyCard:
        """The public key card."""
        return KeyCard(
            org_id=self.org,
            key_id=self.key_id,
            kind=KeyKind.SEALING,
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
        write_key(folder, card, self.x25519.private_bytes_raw())
        return card


class KeyRing:
    """All opening keys of one organisation, from the oldest to the newest.

    Old ones stay as long as what was sealed to them is on its way; then they are destroyed, and with them every copy
    that Kafka or a backup keeps (docs/decisions/0088).
    """

    def __init__(self, org: OrgId, keys: Iterable[OpeningKey]) -> None:
        self.org = org
        self._keys = {key.key_id: key for key in keys}

    def __repr__(self) -> str:
        return f"<KeyRing {self.org}: {len(self._keys)} keys>"

    @property
    def key_ids(self) -> frozenset[KeyId]:
        """The keys that are held."""
        return frozenset(self._keys)

    @property
    def newest(self) -> PublicSealingKey:
        """The public half of the key that was made last."""
        return list(self._keys.values())[-1].public

    def rewrapped(self, referral_id: ReferralId, sealed: SealedGroup, wrapped: WrappedKey) -> WrappedKey:
        """The same content key, wrapped for our newest key, so that the key it was wrapped for can be destroyed.

        Raises:
            NotForThisKey, KeyDoesNotOpen, GroupDoesNotOpen: it is not for one of our keys, or does not open here.
        """
        key = self._keys.get(wrapped.key_id)
        if key is None or wrapped.recipient != self.org:
            raise NotForThisKey
        secret = _unwrapped(referral_id, wrapped, _decoded(sealed), key)
        return wrap_key(referral_id, sealed, ContentKey(secret), self.newest)

    def open(self, referral_id: ReferralId, sealed: SealedGroup, wraps: Iterable[WrappedKey]) -> bytes:
        """The group's text, by whichever of these wrapped keys is for one of our keys and this group, and opens.

        Raises:
            NotForThisKey: none is for us.
            SealBroken: none that is for us opens; what was wrong with the last.
        """
        fault: SealBroken = NotForThisKey()
        for wrapped in wraps:
            if wrapped.field_group == sealed.field_group and wrapped.key_id in self._keys:
                try:
                    return open_group(referral_id, sealed, wrapped, self._keys[wrapped.key_id])
                except SealBroken as broken:
                    fault = broken
        raise fault


def load_opening_keys(folder: Path, org: OrgId) -> KeyRing:
    """The ring of all opening keys that the zone's folder holds for this organisation, past their end or not.

    Raises:
        KeyMissing: where there is none.
        KeyFileTooOpen, KeyFileForeign, KeyFileBroken: where a key's file cannot be trusted.
    """
    kept = read_keys(folder, org, KeyKind.SEALING, _public_half)
    if not kept:
        raise KeyMissing(f"{org} has no opening key in {folder}.")
    kept.sort(key=lambda one: (one[0].created_at, one[0].key_id))
    return KeyRing(org, [OpeningKey(card.key_id, private) for card, private in kept])


def open_group(referral_id: ReferralId, sealed: SealedGroup, wrapped: WrappedKey, key: OpeningKey) -> bytes:
    """The UTF-8 JSON of a sealed group.

    Raises:
        NotForThisKey: the wrapped key names another key or another organisation.
        KeyDoesNotOpen: it belongs to another referral, group or ciphertext, or was changed.
        GroupDoesNotOpen: the ciphertext was changed or belongs elsewhere.
        PaddingBroken: the sender padded wrongly.
    """
    if wrapped.key_id != key.key_id or wrapped.recipient != key.org:
        raise NotForThisKey
    if wrapped.field_group != sealed.field_group:
        raise KeyDoesNotOpen
    ciphertext = _decoded(sealed)
    secret = _unwrapped(referral_id, wrapped, ciphertext, key)
    try:
        padded = AESGCM(secret).decrypt(
            ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], group_binding(referral_id, sealed.field_group)
        )
    except (InvalidTag, ValueError):
        raise GroupDoesNotOpen from None
    return unpad(padded)


def _decoded(sealed: SealedGroup) -> bytes:
    try:
        return base64url.decode(sealed.ciphertext)
    except ValueError:
        raise GroupDoesNotOpen from None


def _unwrapped(referral_id: ReferralId, wrapped: WrappedKey, ciphertext: bytes, key: OpeningKey) -> bytes:
    binding = key_binding(referral_id, wrapped.field_group, wrapped.recipient, wrapped.key_id, ciphertext)
    try:
        return SUITE.decrypt(base64url.decode(wrapped.wrapped), key.x25519, info=binding)
    except (InvalidTag, ValueError):
        raise KeyDoesNotOpen from None


def _public_half(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
