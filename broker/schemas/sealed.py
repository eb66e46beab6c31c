"""What travels sealed: a field group's ciphertext, and its content key wrapped for one recipient. No crypto here."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.ids import KeyIdText, OrgIdText

Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=16, max_length=16384)]
"""Bytes as base64url without padding (RFC 4648 §5)."""


class SealedGroup(Contract):
    """One field group, encrypted with a content key of its own (docs/wire-format.md)."""

    field_group: FieldGroupText
    suite: Literal["v1"] = "v1"
    ciphertext: Base64Url


class WrappedKey(Contract):
    """The content key of one group of one referral, wrapped for one key of one recipient (docs/wire-format.md)."""

    field_group: FieldGroupText
    recipient: OrgIdText
    key_id: KeyIdText
    wrapped: Base64Url
