"""Proofs from the published log, for whoever asks: by files alone, without the database and without any key.

What is published is commitments and hashes; whoever reads it learns how many steps there were, and nothing of any.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.trail.errors import CheckpointBroken, NotInLog
from broker.trail.merkle import Read, consistency_proof, inclusion_proof
from broker.trail.notes import Verifier
from broker.trail.publishing import checkpoint_of
from broker.trail.tiles import CHECKPOINT_FILE, VKEYS_FILE, reader

_PROOF: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A `.tlog-proof` taken apart: nothing of it may be believed before the checkpoint and the hashes are checked."""

    index: int
    hashes: list[bytes]
    note: str


class PublishedLog:
    """The log in this folder. Tiles that were read are kept for the next proof, until there is a newer checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: tuple[int, Read] | None = None

    def checkpoint(self) -> str:
        """The newest checkpoint, as it was signed.

        Raises:
            NotInLog: none was published here.
        """
        try:
            return (self.folder / CHECKPOINT_FILE).read_text("utf-8")
        except FileNotFoundError:
            raise NotInLog(f"There is no checkpoint in {self.folder}.") from None

    def keys(self) -> list[Verifier]:
        """The public keys of its signers, as its sequencer has put them beside it; none where it has not.

        Raises:
            CheckpointBroken: something else stands there.
        """
        path = self.folder / VKEYS_FILE
        return [Verifier.of_vkey(line) for line in path.read_text("utf-8").split()] if path.exists() else []

    def inclusion(self, index: int) -> str:
        """The proof that entry `index` is in the log, as a `.tlog-proof` (c2sp.org/tlog-proof).

        Raises:
            NotInLog: the published log has no such entry.
        """
        note = self.checkpoint()
        size = checkpoint_of(note).size
        if index >= size:
            raise NotInLog
        hashes = inclusion_proof(self._reader(size), index, size)
        return "\n".join([_PROOF, f"index {index}", *lines_of(hashes), "", note])

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The hashes that prove that the log of `new` entries begins with the one of `old` (RFC 6962).

        Raises:
            NotInLog: the published log has not so many entries, or the older is not the smaller one.
        """
        size = checkpoint_of(self.checkpoint()).size
        if not 0 <= old <= new <= size:
            raise NotInLog
        return consistency_proof(self._reader(size), old, new)

    def _reader(self, size: int) -> Read:
        if self._read is None or self._read[0] != size:
            self._read = size, reader(self.folder, size)
        return self._read[1]


def lines_of(hashes: Sequence[bytes]) -> list[str]:
    """Hashes as they stand in a proof, one in a line."""
    return [b64encode(one).decode() for one in hashes]


def hashes_of(text: str) -> list[bytes]:
    """The hashes in these lines.

    Raises:
        CheckpointBroken: they are something else.
    """
    try:
        return [b64decode(line, validate=True) for line in text.split()]
    except Base64Error:
        raise CheckpointBroken from None


def read_inclusion(text: str) -> Inclusion:
    """A `.tlog-proof` taken apart.

    Raises:
        CheckpointBroken: this is none.
    """
    head, found, note = text.partition("\n\n")
    version, _, rest = head.partition("\n")
    first, _, hashes = rest.partition("\n")
    name, _, index = first.partition(" ")
    if not found or version != _PROOF or name != "index" or not index.isdecimal():
        raise CheckpointBroken
    return Inclusion(int(index), hashes_of(hashes), note)
