"""Checks the published log as an auditor would: who signed the checkpoint, whether it grew, whether entries are in it.

A superuser who alters a text and its commitment in the database changes no root that was signed before.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.trail.errors import CheckpointBroken, CheckpointForged, TrailError
from broker.trail.merkle import consistent, included, leaf_hash
from broker.trail.notes import Checkpoint, Note, Verifier, believed
from broker.trail.proofs import PublishedLog, read_inclusion

_TIME: Final = "time "


@dataclass(frozen=True, slots=True)
class Checked:
    """A checkpoint with what was found of it; `signed` is None where the log's public key is not known here."""

    note: str
    checkpoint: Checkpoint
    signed: bool | None

    @property
    def at(self) -> datetime | None:
        """When it was signed (UTC); None where it does not say."""
        told = self.checkpoint.extension.partition("\n")[0]
        return datetime.fromisoformat(told.removeprefix(_TIME)) if told.startswith(_TIME) else None

    @property
    def root(self) -> str:
        """The root over all entries, base64."""
        return b64encode(self.checkpoint.root).decode()


def checked(note: str, known: Sequence[Verifier]) -> Checked:
    """What stands in a note, and whether one of these keys signed it.

    Raises:
        CheckpointBroken: it is no checkpoint.
    """
    checkpoint = Checkpoint.read(Note.read(note).text)
    if not known:
        return Checked(note, checkpoint, None)
    try:
        believed(note, known)
    except CheckpointForged:
        return Checked(note, checkpoint, signed=False)
    return Checked(note, checkpoint, signed=True)


def grown(log: PublishedLog, old: Checkpoint, new: Checkpoint) -> bool:
    """Whether the published log proves that the newer checkpoint's entries begin with the older one's."""
    try:
        proof = log.consistency(old.size, new.size)
    except TrailError:
        return False
    return consistent(old.size, new.size, proof, old.root, new.root)


def not_in(log: PublishedLog, checkpoint: Checkpoint, entries: Iterable[tuple[int, bytes]]) -> list[int]:
    """The places of those of these entries that the checkpoint covers and the published log does not prove."""
    return [place for place, text in entries if place < checkpoint.size and not _included(log, checkpoint, place, text)]


def _included(log: PublishedLog, checkpoint: Checkpoint, place: int, commitment: bytes) -> bool:
    try:
        proof = read_inclusion(log.inclusion(place))
        shown = Checkpoint.read(Note.read(proof.note).text)
    except TrailError:
        return False
    grew = shown == checkpoint or grown(log, checkpoint, shown)
    return grew and included(leaf_hash(commitment), place, shown.size, proof.hashes, shown.root)


def pasted(text: str) -> str:
    """A checkpoint as somebody pasted it: a browser ends lines in its own way, and people lose the last one's end.

    Raises:
        CheckpointBroken: nothing of one is there.
    """
    lines = [line.strip() for line in text.replace("\r\n", "\n").strip().split("\n")]
    if not any(lines):
        raise CheckpointBroken
    return "\n".join(lines) + "\n"
