"""What travels sealed: a field group's ciphertext, and its content key wrapped for one recipient. No crypto here.

Lengths are part of the contract: a ciphertext of any other length than those of the size classes would tell how much
was said (domain.md §13 T6), so it is refused like any other bad value.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.ids import KeyIdText, OrgIdText
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import broken

GROUP_BYTES_CLASSES: Final = (256, 512, 1024, 2048, 4096, 8192)
"""What a group's text is padded to, in bytes. The smallest holds nearly every group, the largest a big family."""
GROUP_BYTES_MAX: Final = GROUP_BYTES_CLASSES[-1] - 1
"""The longest text of a group: one byte of the largest class is the padding's mark."""
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
WRAPPED_BYTES: Final = 32 + 32 + TAG_BYTES
"""HPKE's encapsulated key, the encrypted content key, and its tag."""


def _base64url_characters(byte_count: int) -> int:
    return -(-byte_count * 4 // 3)


CIPHERTEXT_CHARACTERS: Final = frozenset(
    _base64url_characters(NONCE_BYTES + size + TAG_BYTES) for size in GROUP_BYTES_CLASSES
)
WRAPPED_CHARACTERS: Final = _base64url_characters(WRAPPED_BYTES)
_ALPHABET: Final = r"^[A-Za-z0-9_-]+$"


def _of_a_size_class(text: str) -> str:
    if len(text) not in CIPHERTEXT_CHARACTERS:
        raise broken(RefusalCode.PROPERTY_INVALID)
    return text


_CIPHERTEXT_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": _ALPHABET,
    "anyOf": [{"minLength": size, "maxLength": size} for size in sorted(CIPHERTEXT_CHARACTERS)],
}

Ciphertext = Annotated[
    str,
    StringConstraints(pattern=_ALPHABET, max_length=max(CIPHERTEXT_CHARACTERS)),
    AfterValidator(_of_a_size_class),
    WithJsonSchema(_CIPHERTEXT_SCHEMA),
]
"""Nonce, encrypted padded text and tag, as base64url without padding characters (RFC 4648 §5)."""

Wrapped = Annotated[
    str, StringConstraints(pattern=_ALPHABET, min_length=WRAPPED_CHARACTERS, max_length=WRAPPED_CHARACTERS)
]
"""80 bytes of HPKE output, as base64url without padding characters."""


class SealedGroup(Contract):
    """One field group, encrypted with a content key of its own (docs/wire-format.md)."""

    field_group: FieldGroupText
    suite: Literal["v1"] = "v1"
    ciphertext: Ciphertext


class WrappedKey(Contract):
    """The content key of one group of one referral, wrapped for one key of one recipient (docs/wire-format.md)."""

    field_group: FieldGroupText
    recipient: OrgIdText
    key_id: KeyIdText
    wrapped: Wrapped
