"""A field group is sealed with a content key of its own, and that key is wrapped for one recipient at a time.

This is what a source does. Nothing here opens anything; `broker.seal.opening` does, and only providers have it.
"""

from os import urandom
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ReferralId
from broker.schemas.sealed import NONCE_BYTES, SealedGroup, WrappedKey
from broker.seal import base64url
from broker.seal.binding import SUITE, group_binding, key_binding
from broker.seal.errors import GroupDoesNotOpen, PublicKeyRefused
from broker.seal.keys import PublicSealingKey
from broker.seal.padding import pad
from broker.seal.secret import Secret

CONTENT_KEY_BYTES: Final = 32
"""AES-256."""


class ContentKey(Secret):
    """The key of one group of one referral. Whoever holds it can read the group: keep it sealed, destroy it early."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != CONTENT_KEY_BYTES:
            raise ValueError("a content key has 32 bytes")
        self._secret = secret

    @classmethod
    def new(cls) -> Self:
        """A fresh key, straight from the system's randomness."""
        return cls(urandom(CONTENT_KEY_BYTES))

    def reveal(self) -> bytes:
        """The 32 bytes, for wrapping them and for keeping them encrypted; never for a log, a row or a message."""
        return self._secret


def seal_group(referral_id: ReferralId, group: FieldGroup, text: bytes) -> tuple[SealedGroup, ContentKey]:
    """Seal a group's UTF-8 JSON with a fresh content key, bound to this referral and this group.

    Raises:
        GroupTooLarge: for more than `GROUP_BYTES_MAX` bytes.
    """
    key = ContentKey.new()
    nonce = urandom(NONCE_BYTES)
    encrypted = AESGCM(key.reveal()).encrypt(nonce, pad(text), group_binding(referral_id, group))
    return SealedGroup(field_group=group, ciphertext=base64url.encode(nonce + encrypted)), key


def wrap_key(
    referral_id: ReferralId, sealed: SealedGroup, content_key: ContentKey, recipient: PublicSealingKey
) -> WrappedKey:
    """Wrap a group's content key for one key of one recipient, bound to referral, group, both names and the ciphertext.

    Raises:
        PublicKeyRefused: the recipient's key is a point that makes no secret.
        GroupDoesNotOpen: the sealed group's text is not canonical base64url, so nobody could open it.
    """
    try:
        ciphertext = base64url.decode(sealed.ciphertext)
    except ValueError:
        raise GroupDoesNotOpen from None
    binding = key_binding(referral_id, sealed.field_group, recipient.org, recipient.key_id, ciphertext)
    try:
        wrapped = SUITE.encrypt(content_key.reveal(), recipient.x25519, info=binding)
    except ValueError:
        raise PublicKeyRefused from None
    return WrappedKey(
        field_group=sealed.field_group,
        recipient=recipient.org,
        key_id=recipient.key_id,
        wrapped=base64url.encode(wrapped),
    )
