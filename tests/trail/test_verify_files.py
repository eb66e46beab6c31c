"""Whatever is done to the files of a bundle is found; an honest one of any length holds. No database is needed."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.trail.entries import Entry, Step, entry, fresh_salt
from broker.trail.exporting import CHECKPOINTS_FILE, TEXTS, text_bundle
from broker.trail.handoff_verify import ALTERED, HOLDS, MISSING, REWRITTEN, UNSIGNED, NotCheckable, verify
from broker.trail.merkle import Frontier, leaf_hash
from broker.trail.notes import Checkpoint, Verifier
from broker.trail.tiles import CHECKPOINT_FILE, TILE, put_checkpoint, put_entries, tile_path, write_whole

ORIGIN: Final = "log.example/files"
KEY: Final = Ed25519PrivateKey.generate()
VERIFIER: Final = Verifier(ORIGIN, KEY.public_key().public_bytes_raw())


def steps(count: int) -> list[Entry]:
    """So many steps of a log, each of another length."""
    return [entry(Step.OFFER_MOVED, None, {"turn": "x" * (turn % 7)}, fresh_salt()) for turn in range(count)]


def bundle(folder: Path, made: Sequence[Entry], sizes: Sequence[int], opened: range | None = None) -> Path:
    """A bundle of these entries with a checkpoint at each of these sizes; `opened` are those whose texts are in it."""
    put_entries(folder, 0, [one.commitment for one in made])
    for begin in range(0, len(made), TILE):
        part = made[begin : begin + TILE]
        texts = {
            at: (one.salt, one.kind.encode() + b"\x00" + one.preimage)
            for at, one in enumerate(part)
            if opened is None or begin + at in opened
        }
        write_whole(folder / tile_path(TEXTS, begin // TILE).removeprefix("tile/"), text_bundle(len(part), texts))
    tree, notes = Frontier(), []
    for size in sizes:
        tree.extend(leaf_hash(one.commitment) for one in made[tree.size : size])
        notes.append(Checkpoint.at(ORIGIN, size, tree.root(), datetime.now(UTC)).signed({VERIFIER: KEY}))
    put_checkpoint(folder, notes[-1])
    framed(folder, notes)
    return folder


def framed(folder: Path, notes: Sequence[str]) -> None:
    """The file with all checkpoints."""
    write_whole(folder / CHECKPOINTS_FILE, "".join(f"{len(note.encode())}\n{note}" for note in notes).encode())


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 513, 700])
def test_an_honest_log_of_any_length_holds(tmp_path: Path, size: int) -> None:
    """Checkpoints before, at and after the edges of tiles; each text opened, each checkpoint held against the log."""
    sizes = sorted({1, min(size, 255), min(size, 256), min(size, 257), size})
    found = verify(bundle(tmp_path, steps(size), sizes), [VERIFIER.vkey])
    assert (found.code, found.opened, found.checkpoints, found.wrong) == (HOLDS, size, len(sizes), [])


def test_any_byte_that_is_changed_is_found(tmp_path: Path) -> None:
    """Of texts, entries and what is signed: no changed, missing or added byte passes, and none ends in a crash."""
    folder = bundle(tmp_path, steps(2), [1, 2])
    for name in ("texts/000", "tile/entries/000.p/2", CHECKPOINT_FILE):
        path = folder / name
        honest = path.read_bytes()
        signed = honest.find(b"\n\n") if name == CHECKPOINT_FILE else len(honest)
        for at in range(signed):
            other = bytes([honest[at] ^ random.randrange(1, 256)])
            for forged in (honest[:at] + other + honest[at + 1 :], honest[:at], honest[:at] + b"\0" + honest[at:]):
                path.write_bytes(forged)
                assert _code(folder) != HOLDS, (name, at)
        path.write_bytes(honest)
    assert _code(folder) == HOLDS


def _code(folder: Path) -> int | None:
    try:
        return verify(folder, [VERIFIER.vkey]).code
    except NotCheckable:
        return None


def test_texts_that_were_taken_out_are_missing_wherever_they_were(tmp_path: Path) -> None:
    """All of a tile, its first, its last: each is named; a text in another's place was altered."""
    made = steps(600)
    found = verify(bundle(tmp_path, made, [600], range(1, 512)), [VERIFIER.vkey])
    assert (found.code, found.opened, found.missing) == (MISSING, 511, [(0, 1), (512, 600)])
    texts = {at: (made[at + 1].salt, made[at + 1].kind.encode() + b"\x00" + made[at + 1].preimage) for at in range(10)}
    write_whole(tmp_path / "texts/000", text_bundle(TILE, texts))
    found = verify(tmp_path, [VERIFIER.vkey])
    assert (found.code, found.wrong[0][1][:31]) == (ALTERED, "The text of entry 0 was altered")


def test_checkpoints_in_another_order_are_found(tmp_path: Path) -> None:
    """An older one after a newer one fits nothing that is still known; nor is one forgotten because of another."""
    folder = bundle(tmp_path, steps(600), [10, 300, 600])
    notes = _notes(folder)
    framed(folder, [notes[1], notes[0], notes[2]])
    found = verify(folder, [VERIFIER.vkey])
    assert (found.code, "another log" in found.wrong[0][1]) == (ALTERED, True)
    put_checkpoint(folder, notes[1])
    framed(folder, [notes[2], notes[0].replace("\n10\n", "\n11\n")])
    found = verify(folder, [VERIFIER.vkey])
    assert {code for code, _ in found.wrong} >= {UNSIGNED, REWRITTEN}


def _notes(folder: Path) -> list[str]:
    content, notes = (folder / CHECKPOINTS_FILE).read_bytes(), list[str]()
    while content:
        length, _, content = content.partition(b"\n")
        note, content = content[: int(length)], content[int(length) :]
        notes.append(note.decode())
    return notes
