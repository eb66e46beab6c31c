"""Each notice leaves from an address of its own, so that whatever comes back names its delivery and cannot be made up.

`returns+<token>@…`: the token holds the message's id and a MAC of it under a key of the channel. It names no referral.
Only who has seen a notice's envelope can answer to it, and all that an answer can do is to have another way taken.
"""

import base64
import binascii
import hmac
import secrets
from pathlib import Path
from typing import Final
from uuid import UUID

from broker.schemas.ids import EventId
from broker.seal.key_files import kept_secret

KEY_FILE: Final = "returns.key"
KEY_BYTES: Final = 32

_CONTEXT: Final = b"warm-handoff/return-address/v1\x00"
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 10
"""80 bits: a guess costs a conversation with the mail server, and gains a diversion."""
_TOKEN_CHARACTERS: Final = 42


def return_key(folder: Path) -> bytes:
    """The channel's key, made the first time that it is asked for.

    Raises:
        KeyFileTooOpen, KeyFileForeign: the folder or the file is not its owner's alone.
    """
    return kept_secret(folder / KEY_FILE, lambda: secrets.token_bytes(KEY_BYTES))


def return_address(base: str, key: bytes, message_id: EventId) -> str:
    """Where the mail about this message comes back to: `base` with a tag (RFC 5233)."""
    local, _, domain = base.rpartition("@")
    return f"{local}+{_token(key, UUID(message_id).bytes)}@{domain}"


def message_of(address: str, base: str, key: bytes) -> EventId | None:
    """The message that an address of ours names; None for any other. Mail servers may change the case of letters."""
    local, _, domain = base.lower().rpartition("@")
    address = address.lower()
    token = address.removeprefix(f"{local}+").removesuffix(f"@{domain}")
    if len(token) != _TOKEN_CHARACTERS or not token.isascii() or address != f"{local}+{token}@{domain}":
        return None
    try:
        decoded = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except (binascii.Error, ValueError):
        return None
    named = decoded[:_ID_BYTES]
    return EventId(str(UUID(bytes=named))) if hmac.compare_digest(token, _token(key, named)) else None


def _token(key: bytes, named: bytes) -> str:
    mac = hmac.digest(key, _CONTEXT + named, "sha256")[:_MAC_BYTES]
    return base64.b32encode(named + mac).decode().rstrip("=").lower()
