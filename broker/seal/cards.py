"""A public key card says whose key it is, what it is for and until when; it may be shown to anybody."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from broker.schemas.event import Contract
from broker.schemas.ids import KeyId, KeyIdText, OrgId, OrgIdText
from broker.schemas.shapes import Maybe, Moment
from broker.seal import base64url
from broker.seal.errors import KeyCardBroken

KeyText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes as base64url."""


class KeyKind(StrEnum):
    """What a key is for; one key never serves both."""

    SIGNING = "signing"
    """Ed25519: proves who published an event."""
    SEALING = "sealing"
    """X25519: what is sealed to it, only its owner opens."""
    DIRECTORY = "directory"
    """Ed25519: the network's operator proves with it who is in the network; no process of the broker needs it."""
    POLICY = "policy"
    """Ed25519: a privacy officer approves policy packs with it; no process of the broker needs it."""
    LOG = "log"
    """Ed25519: the trail's checkpoints are signed with it, by the sequencer alone."""


def org_of_key(key_id: KeyId) -> OrgId:
    """The organisation that a key id names: what stands before the `#`."""
    return OrgId(key_id.partition("#")[0])


class KeyCard(Contract):
    """The public half of a key. Times are UTC; after `not_after` nothing new is signed with it or sealed to it."""

    org_id: OrgIdText
    key_id: KeyIdText
    kind: KeyKind
    public_key: KeyText
    created_at: Moment
    not_after: Maybe[Moment] = None

    @model_validator(mode="after")
    def _of_one_piece(self) -> Self:
        if org_of_key(self.key_id) != self.org_id:
            raise PydanticCustomError("key_of_another", "the key id names another organisation")
        if self.not_after is not None and self.not_after <= self.created_at:
            raise PydanticCustomError("never_valid", "the key ends before it begins")
        return self

    @property
    def public(self) -> bytes:
        """The public key: 32 bytes.

        Raises:
            KeyCardBroken: where the text is not canonical base64url.
        """
        try:
            return base64url.decode(self.public_key)
        except ValueError:
            raise KeyCardBroken from None

    def valid_at(self, now: datetime) -> bool:
        """Whether the key may still be signed with or sealed to at `now`."""
        return self.not_after is None or now < self.not_after

    def wire(self) -> str:
        """The card as JSON text."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


def read_card(text: bytes | str) -> KeyCard:
    """The card that this JSON says.

    Raises:
        KeyCardBroken: for anything else.
    """
    try:
        return KeyCard.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError:
        raise KeyCardBroken from None
