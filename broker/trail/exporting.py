"""Writes the bundle that an auditor checks alone: tiles, checkpoints, and the texts that open the entries.

It writes what is there, altered or not, a log that was emptied too: to judge is the verifier's. Where an entry is
missing stand zeros, so that the others keep their places. What exactly left for whom is opened to the two agencies
alone, so of those texts it writes an agency's own for that agency, and none for anybody else. The formats are in
docs/trail.md.
"""

import asyncio
import os
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from broker import limits
from broker.sql.bulk import Connection
from broker.trail.entries import Step
from broker.trail.errors import CheckpointBroken
from broker.trail.merkle import HASH_BYTES, leaf_hash
from broker.trail.publishing import checkpoint_of
from broker.trail.tiles import ENTRIES, TILE, bundle, put_checkpoint, put_levels, tile_path

CHECKPOINTS_FILE: Final = "checkpoints"
TEXTS: Final = "texts"
ANCHORS: Final = "anchors"
_AT_ONCE: Final = 16 * TILE
_ROWS: Final = """
SELECT l.idx, l.commitment, e.salt, e.kind, e.preimage FROM log_entry l LEFT JOIN trail_entry e ON e.idx = l.entry_idx
WHERE l.idx >= $1 AND l.idx < $2 ORDER BY l.idx
"""


async def export(
    connection: Connection,
    folder: Path,
    tell: Callable[[int, int], None],
    party: str | None = None,
    anchors: Path | None = None,
) -> int:
    """Write the bundle of the newest checkpoint into an empty folder; returns how many entries it has.

    Where that is none, or says anything, it is a bundle of all entries that are there.

    `tell` is told how many of how many entries are written. `party` is the agency for which it is, so that what was
    disclosed by it and to it is opened; `anchors` is the folder with what others have said of checkpoints.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        newest = await connection.fetchval("SELECT note FROM log_checkpoint ORDER BY seq DESC LIMIT 1") or ""
        there = await connection.fetchval("SELECT coalesce(max(idx) + 1, 0) FROM log_entry")
        size = _size(newest, there)
        notes = await connection.cursor("SELECT note FROM log_checkpoint ORDER BY seq")
        await asyncio.to_thread(_write, folder / CHECKPOINTS_FILE, b"")
        while part := await notes.fetch(_AT_ONCE):
            await asyncio.to_thread(_append, folder / CHECKPOINTS_FILE, [row["note"].encode() for row in part])
        for begin in range(0, size, _AT_ONCE):
            end = min(size, begin + _AT_ONCE)
            rows = await connection.fetch(_ROWS, begin, end)
            opened = [row for row in rows if row["preimage"] is not None and _opened_to(party, row)]
            await asyncio.to_thread(_put, folder, begin, end, rows, opened)
            tell(end, size)
    await asyncio.to_thread(put_levels, folder, 0, size)
    await asyncio.to_thread(_copy, anchors, folder / ANCHORS)
    # Once, instead of after each of many thousand files: without the checkpoint, which comes last, it is no bundle.
    await asyncio.to_thread(os.sync)
    await asyncio.to_thread(put_checkpoint, folder, newest)
    return size


def _size(newest: str, there: int) -> int:
    """How many entries the newest checkpoint says; what is there, where it was destroyed or says what cannot be."""
    try:
        said = checkpoint_of(newest).size
    except (CheckpointBroken, ValueError):
        return there
    return said if said <= there + limits.entries_missing_max else there


def _append(path: Path, notes: Sequence[bytes]) -> None:
    with path.open("ab") as file:
        file.writelines(b"%d\n%b" % (len(note), note) for note in notes)


def _copy(anchors: Path | None, folder: Path) -> None:
    if anchors is not None and anchors.is_dir():
        shutil.copytree(anchors, folder)


def _opened_to(party: str | None, row: Mapping[str, Any]) -> bool:
    if row["kind"] != Step.CONTENT:
        return True
    try:
        told = {} if party is None else from_json(row["preimage"])
    except ValueError:  # altered: nobody can be told to be its agency
        return False
    return party is not None and party in (told.get("from"), told.get("to"))


def _put(
    folder: Path, begin: int, end: int, rows: Sequence[Mapping[str, Any]], opened: Sequence[Mapping[str, Any]]
) -> None:
    entries = [bytes(HASH_BYTES)] * (end - begin)
    for row in rows:
        if len(row["commitment"]) == HASH_BYTES:
            entries[row["idx"] - begin] = row["commitment"]
    for at in range(0, len(entries), TILE):
        part, index = entries[at : at + TILE], (begin + at) // TILE
        _write(folder / tile_path(ENTRIES, index, len(part)), bundle(part))
        _write(folder / tile_path(0, index, len(part)), b"".join(map(leaf_hash, part)))
    for index, rows_of_tile in groupby(opened, key=lambda row: int(row["idx"]) // TILE):
        first = index * TILE
        texts = {
            row["idx"] - first: (row["salt"], row["kind"].encode() + b"\x00" + row["preimage"])
            for row in rows_of_tile
            if len(row["salt"]) == HASH_BYTES
        }
        path = folder / tile_path(TEXTS, index).removeprefix("tile/")
        _write(path, text_bundle(min(TILE, end - first), texts))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def text_bundle(width: int, texts: Mapping[int, tuple[bytes, bytes]]) -> bytes:
    """The texts of so many entries as they stand in a bundle; `texts` are salt and exact bytes by place among them."""
    places = sorted(texts)
    lengths = [len(texts[place][1]) if place in texts else 0 for place in range(width)]
    salts, committed = ([texts[place][part] for place in places] for part in (0, 1))
    return struct.pack(f">{width}I", *lengths) + b"".join((*salts, *committed))
