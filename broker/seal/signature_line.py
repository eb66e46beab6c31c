"""A file is believed as one of the pinned keys signed it: one line of text per signature, over the exact bytes.

`<label>: v1 <key id> <signature>`; what is signed is a context of its own for each kind of file, so that a signature on
one kind never counts for another (docs/wire-format.md §3).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from struct import pack
from typing import Final

from cryptography.exceptions import InvalidSignature

from broker.schemas.ids import KeyId
from broker.seal import base64url
from broker.seal.keys import PublicSigningKey, SigningKey

_LINE: Final = re.compile(rb"([a-z-]{1,40}): v1 (\S{1,100}) ([A-Za-z0-9_-]{86})")


@dataclass(frozen=True, slots=True)
class SignedKind:
    """A kind of file that is signed."""

    label: str
    context: bytes

    def signed_bytes(self, content: bytes, key_id: str) -> bytes:
        """What is signed: the context, the key id, and length and SHA-256 of the content as it stands in the file."""
        key = key_id.encode()
        return b"".join((self.context, pack(">H", len(key)), key, pack(">Q", len(content)), sha256(content).digest()))

    def line(self, content: bytes, key: SigningKey) -> bytes:
        """The line that says that this key signed this content, with its end of line."""
        signature = base64url.encode(key.sign(self.signed_bytes(content, key.key_id)))
        return f"{self.label}: v1 {key.key_id} {signature}\n".encode()

    def signers(
        self, lines: Iterable[bytes], content: bytes, pinned: Mapping[KeyId, PublicSigningKey]
    ) -> frozenset[KeyId]:
        """Which of the pinned keys signed this content. A line of another key, or a wrong one, counts for none."""
        return frozenset(key.key_id for line in lines if (key := self._signer(line, content, pinned)) is not None)

    def _signer(self, line: bytes, content: bytes, pinned: Mapping[KeyId, PublicSigningKey]) -> PublicSigningKey | None:
        found = _LINE.fullmatch(line)
        if found is None or found[1] != self.label.encode():
            return None
        key = pinned.get(KeyId(found[2].decode(errors="replace")))
        if key is None:
            return None
        try:
            key.ed25519.verify(base64url.decode(found[3].decode()), self.signed_bytes(content, key.key_id))
        except (ValueError, InvalidSignature):
            return None
        return key


DIRECTORY: Final = SignedKind("wh-directory", b"warm-handoff/directory/v1\x00")
POLICY: Final = SignedKind("wh-policy", b"warm-handoff/policy/v1\x00")
