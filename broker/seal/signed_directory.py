"""The network's directory is believed only as its operator signed it, byte by byte (docs/wire-format.md §3).

One line of text, then the JSON that it is about: `wh-directory: v1 <key id> <signature>`.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from struct import pack
from typing import Final

from cryptography.exceptions import InvalidSignature

from broker.schemas.ids import KeyId
from broker.seal import base64url
from broker.seal.errors import DirectorySignatureBad
from broker.seal.keys import OperatorKey, PublicSigningKey

_CONTEXT: Final = b"warm-handoff/directory/v1\x00"
_LINE: Final = re.compile(rb"wh-directory: v1 (\S{1,100}) ([A-Za-z0-9_-]{86})")


def directory_bytes(content: bytes, key_id: str) -> bytes:
    """What is signed: the context, the key id, and length and SHA-256 of the JSON as it stands in the file."""
    key = key_id.encode()
    return b"".join((_CONTEXT, pack(">H", len(key)), key, pack(">Q", len(content)), sha256(content).digest()))


def signed_directory(content: bytes, key: OperatorKey) -> bytes:
    """The file: the line with the operator's signature, then the JSON."""
    signature = base64url.encode(key.sign(directory_bytes(content, key.key_id)))
    return f"wh-directory: v1 {key.key_id} {signature}\n".encode() + content


def verified_directory(file: bytes, pinned: Mapping[KeyId, PublicSigningKey]) -> bytes:
    """The JSON that one of the pinned keys of the operator has signed.

    Raises:
        DirectorySignatureBad: it is not signed, by no pinned key, or was changed since.
    """
    line, _, content = file.partition(b"\n")
    found = _LINE.fullmatch(line)
    key = pinned.get(KeyId(found[1].decode(errors="replace"))) if found else None
    if found is None or key is None:
        raise DirectorySignatureBad
    try:
        signature = base64url.decode(found[2].decode())
        key.ed25519.verify(signature, directory_bytes(content, key.key_id))
    except (ValueError, InvalidSignature):
        raise DirectorySignatureBad from None
    return content
