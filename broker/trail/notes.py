"""Signed notes and checkpoints of C2SP: a text under which stand Ed25519 signatures, each with its key's name and id.

A checkpoint says how many entries a log has and what their root is (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
Whoever holds one can tell later whether the log was shortened or rewritten.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker.schemas.envelope import rfc3339
from broker.trail.errors import CheckpointBroken, CheckpointForged
from broker.trail.merkle import HASH_BYTES

ED25519: Final = b"\x01"
"""The signature type that C2SP gives plain Ed25519."""
COSIGNATURE: Final = b"\x04"
"""And that of a witness's cosignature, which says when (c2sp.org/tlog-cosignature)."""
_KEY_ID_BYTES: Final = 4
_ED25519_BYTES: Final = 32
_SIGNATURE: Final = re.compile(r"— (?P<name>[^\s+]+) (?P<value>[A-Za-z0-9+/]+={0,2})")
_CHECKPOINT: Final = re.compile(r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n")
SIGNATURES_MAX: Final = 16
"""As many as every reader must take (c2sp.org/signed-note)."""


class Signs(Protocol):
    """An Ed25519 private key."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """A log's public key under the name that its signatures bear; `vkey` is how people hand it on."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @classmethod
    def of_vkey(cls, vkey: str, kind: bytes = ED25519) -> Self:
        """The key that is handed on as `name+id+key`.

        Raises:
            CheckpointBroken: this is none, or its id is another key's.
        """
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        made = cls(name, raw[1:], kind)
        if raw[:1] != kind or len(made.public) != _ED25519_BYTES or made.key_id.hex() != key_id:
            raise CheckpointBroken("This is no such public key: name+id+key, as `handoff trail vkey` prints the log's.")
        return made

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """`name+id+key`, as Go's note package writes it."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self.kind + self.public).decode()}"

    def made(self, message: bytes, signature: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note, taken apart. Nothing of it may be believed before `signed_by` has named somebody."""

    text: str
    signatures: Sequence[tuple[str, bytes, bytes]]
    """Name, key id and signature, as they stand."""

    @classmethod
    def read(cls, note: str) -> Self:
        """The note in this text.

        Raises:
            CheckpointBroken: it is none.
        """
        text, found, below = note.rpartition("\n\n")
        lines = [_SIGNATURE.fullmatch(line) for line in below.removesuffix("\n").split("\n")]
        if not found or not below.endswith("\n") or len(lines) > SIGNATURES_MAX:
            raise CheckpointBroken
        signatures = []
        for line in lines:
            if line is None or len(value := _decoded(line["value"])) <= _KEY_ID_BYTES:
                raise CheckpointBroken
            signatures.append((line["name"], value[:_KEY_ID_BYTES], value[_KEY_ID_BYTES:]))
        if any(ord(one) < ord(" ") and one != "\n" for one in note):
            raise CheckpointBroken
        return cls(text + "\n", signatures)

    def signed_by(self, known: Iterable[Verifier]) -> list[Verifier]:
        """Which of the known keys signed it; unknown ones are passed over.

        Raises:
            CheckpointForged: a known key is named, and did not sign this.
        """
        keys = {(verifier.name, verifier.key_id): verifier for verifier in known}
        found = []
        for name, key_id, signature in self.signatures:
            verifier = keys.get((name, key_id))
            if verifier is not None:
                if not verifier.made(self.text.encode(), signature):
                    raise CheckpointForged
                found.append(verifier)
        return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many entries the log has, and their root; `extension` are further lines, ours says when it was signed."""

    origin: str
    size: int
    root: bytes
    extension: str = ""

    @classmethod
    def at(cls, origin: str, size: int, root: bytes, moment: datetime) -> Self:
        """The checkpoint of a log as we write it: with the time, so that an hourly one shows that the log lives."""
        return cls(origin, size, root, f"time {rfc3339(moment)}\n")

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{self.extension}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The checkpoint that a note's text says.

        Raises:
            CheckpointBroken: it says none.
        """
        found = _CHECKPOINT.match(text)
        if found is None or len(root := _decoded(found["root"])) != HASH_BYTES:
            raise CheckpointBroken
        return cls(found["origin"], int(found["size"]), root, text[found.end() :])

    def signed(self, keys: Mapping[Verifier, Signs]) -> str:
        """The signed note, with a line for each key."""
        lines = [
            f"— {verifier.name} {b64encode(verifier.key_id + key.sign(self.text.encode())).decode()}\n"
            for verifier, key in keys.items()
        ]
        return f"{self.text}\n{''.join(lines)}"


def believed(note: str, known: Iterable[Verifier]) -> Checkpoint:
    """The checkpoint in a note that one of these keys signed.

    Raises:
        CheckpointBroken: there is none in it.
        CheckpointForged: none of these keys signed it.
    """
    read = Note.read(note)
    signers = read.signed_by(known)
    checkpoint = Checkpoint.read(read.text)
    if not any(signer.name == checkpoint.origin for signer in signers):
        raise CheckpointForged
    return checkpoint


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error:
        raise CheckpointBroken from None
