"""What a ciphertext and a wrapped key are bound to, so that neither opens in any other place (docs/wire-format.md).

Each part is preceded by its length (16 bits, big-endian), so that no two lists of parts give the same bytes.
"""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, OrgId, ReferralId

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
"""RFC 9180 base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The contract calls it `v1`."""

_GROUP: Final = b"warm-handoff/group/v1"
_KEY: Final = b"warm-handoff/key/v1"


def _bound(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def group_binding(referral_id: ReferralId, group: FieldGroup) -> bytes:
    """The associated data of a group's ciphertext."""
    return _bound(_GROUP, referral_id.encode(), group.encode())


def key_binding(
    referral_id: ReferralId, group: FieldGroup, recipient: OrgId, key_id: KeyId, ciphertext: bytes
) -> bytes:
    """HPKE's `info` for a wrapped key; `ciphertext` is the group's, decoded: nonce, encrypted text and tag."""
    names = (referral_id, group, recipient, key_id)
    return _bound(_KEY, *(name.encode() for name in names), sha256(ciphertext).digest())
