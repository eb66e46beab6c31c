"""Brings a folder up to a checkpoint of the log in the database: what is published, and what is exported."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from broker.sql.bulk import Connection
from broker.trail.errors import LogAltered, LogShrunk
from broker.trail.notes import Checkpoint, Note, Verifier
from broker.trail.tiles import CHECKPOINT_FILE, TILE, VKEYS_FILE, put_checkpoint, put_entries, put_levels, write_whole

_AT_ONCE: Final = 32 * TILE
"""Entries that are read and written together: a quarter of a megabyte."""
_PART: Final = "SELECT idx, commitment FROM log_entry WHERE idx >= $1 AND idx < $2 ORDER BY idx"


def checkpoint_of(note: str) -> Checkpoint:
    """What a note of our own says, without asking who signed it."""
    return Checkpoint.read(Note.read(note).text)


def published_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint that was published last; None where nothing was."""
    path = folder / CHECKPOINT_FILE
    return checkpoint_of(path.read_text("utf-8")) if path.exists() else None


async def refuse_older(connection: Connection, folder: Path) -> None:
    """Hold what was published last, where this machine has it, against the database.

    Raises:
        LogShrunk: the database has less than was published: an older copy of it was restored.
        LogAltered: it has something else.
    """
    published = published_checkpoint(folder)
    if published is None:
        return
    notes = await connection.fetch("SELECT size, note FROM log_checkpoint WHERE size >= $1", published.size)
    if not notes:
        raise LogShrunk
    if not any(row["size"] == published.size and checkpoint_of(row["note"]).root == published.root for row in notes):
        raise LogAltered


async def publish(connection: Connection, folder: Path, note: str) -> None:
    """Write what this checkpoint covers and the folder does not have, then the checkpoint.

    Raises:
        LogAltered: the database has fewer entries than the checkpoint says.
    """
    published, size = published_checkpoint(folder), checkpoint_of(note).size
    old = published.size if published is not None else 0
    if old > size:
        return
    for begin in range(old // TILE * TILE, size if size > old else 0, _AT_ONCE):
        rows = await connection.fetch(_PART, begin, min(size, begin + _AT_ONCE))
        if [row["idx"] for row in rows] != list(range(begin, min(size, begin + _AT_ONCE))):
            raise LogAltered
        await to_its_end(put_entries, folder, begin, [row["commitment"] for row in rows])
    await to_its_end(put_levels, folder, old, size)
    await to_its_end(put_checkpoint, folder, note)


async def to_its_end(work: Callable[..., None], *arguments: object) -> None:
    """Do this in a thread. Whoever is cancelled waits for it: once a sequencer has ended, nothing is written."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise


def publish_keys(folder: Path, signers: Iterable[Verifier]) -> None:
    """Put the public keys of these signers beside what they signed; those that were there stay, for older checkpoints.

    For whoever shows the log. An auditor is given the keys by another way.
    """
    path = folder / VKEYS_FILE
    known = path.read_text("utf-8").split() if path.exists() else []
    fresh = [verifier.vkey for verifier in signers if verifier.vkey not in known]
    if fresh:
        write_whole(path, "".join(f"{vkey}\n" for vkey in (*known, *fresh)).encode())
