"""Writes the bundle that an auditor checks alone: tiles, checkpoints, and the texts that open the entries.

It writes what is there, altered or not: to judge is the verifier's. Where an entry is missing stand zeros, so that the
others keep their places. What exactly left for whom is opened to the two agencies alone, so of those texts it writes an
agency's own for that agency, and none for anybody else. The formats are in docs/trail.md.
"""

import asyncio
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from broker.sql.bulk import Connection
from broker.trail.entries import Step
from broker.trail.errors import NotInLog
from broker.trail.merkle import HASH_BYTES
from broker.trail.publishing import checkpoint_of
from broker.trail.tiles import TILE, put_checkpoint, put_entries, put_levels, tile_path, write_whole

CHECKPOINTS_FILE: Final = "checkpoints"
TEXTS: Final = "texts"
ANCHORS: Final = "anchors"
_HEAD: Final = struct.Struct(">Q32sI")
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

    `tell` is told how many of how many entries are written. `party` is the agency for which it is, so that what was
    disclosed by it and to it is opened; `anchors` is the folder with what others have said of checkpoints.

    Raises:
        NotInLog: there is no checkpoint yet.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        notes = [row["note"] for row in await connection.fetch("SELECT note FROM log_checkpoint ORDER BY seq")]
        if not notes:
            raise NotInLog(
                "There is no checkpoint yet.", remedy="`handoff serve sequencer` makes the first one at once."
            )
        size = checkpoint_of(notes[-1]).size
        for begin in range(0, size, _AT_ONCE):
            end = min(size, begin + _AT_ONCE)
            rows = await connection.fetch(_ROWS, begin, end)
            opened = [row for row in rows if row["preimage"] is not None and _opened_to(party, row)]
            await asyncio.to_thread(_put, folder, begin, end, rows, opened)
            tell(end, size)
    await asyncio.to_thread(put_levels, folder, 0, size)
    framed = [f"{len(note.encode())}\n{note}" for note in notes]
    await asyncio.to_thread(write_whole, folder / CHECKPOINTS_FILE, "".join(framed).encode())
    await asyncio.to_thread(put_checkpoint, folder, notes[-1])
    await asyncio.to_thread(_copy, anchors, folder / ANCHORS)
    return size


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
    texts: dict[int, list[bytes]] = {}
    for row in rows:
        if len(row["commitment"]) == HASH_BYTES:
            entries[row["idx"] - begin] = row["commitment"]
    for row in opened:
        if len(row["salt"]) == HASH_BYTES:
            record = text_record(row["idx"], row["salt"], row["kind"], row["preimage"])
            texts.setdefault(row["idx"] // TILE, []).append(record)
    put_entries(folder, begin, entries)
    for index, part in texts.items():
        write_whole(folder / tile_path(TEXTS, index).removeprefix("tile/"), b"".join(part))


def text_record(idx: int, salt: bytes, kind: str, preimage: bytes) -> bytes:
    """One text as it stands in a bundle: place, salt, length, and the exact bytes that were committed to."""
    committed = kind.encode() + b"\x00" + preimage
    return _HEAD.pack(idx, salt, len(committed)) + committed
