"""The published log: C2SP tlog-tiles in a folder that any web server may show, whole after a crash at any moment.

Entries are put first, then the tiles above them, then the checkpoint. `checkpoint` is put in place by renaming, when
everything that it covers is on the disk; so whoever finds a checkpoint finds its tiles. An entry is the 32 bytes of a
commitment, and says nothing without its salt.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from broker.trail.errors import LogAltered, NotInLog
from broker.trail.merkle import HASH_BYTES, Read, leaf_hash, node_hash, root_of

TILE: Final = 256
"""Hashes or entries of a full tile (height 8)."""
CHECKPOINT_FILE: Final = "checkpoint"
VKEYS_FILE: Final = "vkeys"
ENTRIES: Final = "entries"
_ENTRY_BYTES: Final = 2 + HASH_BYTES


def tile_path(level: int | str, index: int, width: int = TILE) -> str:
    """Where a tile lies: `tile/0/x001/x234/067`, a partial one of 5 hashes `tile/0/000.p/5`."""
    digits = f"{index:03d}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    place = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{place}" + ("" if width == TILE else f".p/{width}")


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle: each after its length, two bytes big-endian."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unbundled(content: bytes) -> list[bytes]:
    """The entries of a bundle of ours.

    Raises:
        LogAltered: it holds something else than whole entries of 32 bytes.
    """
    if len(content) % _ENTRY_BYTES:
        raise LogAltered
    return [content[at + 2 : at + _ENTRY_BYTES] for at in range(0, len(content), _ENTRY_BYTES)]


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place at once, on the disk: after a crash it is there whole, or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def put_entries(folder: Path, begin: int, entries: Sequence[bytes]) -> None:
    """Write the bundles and lowest tiles of these entries of the log; `begin` is where a tile begins.

    What was published is never changed; doing it again after a crash writes the same.
    """
    for at in range(0, len(entries), TILE):
        index, part = (begin + at) // TILE, entries[at : at + TILE]
        _put(folder, ENTRIES, index, len(part), bundle(part))
        _put(folder, 0, index, len(part), b"".join(map(leaf_hash, part)))


def put_levels(folder: Path, old: int, new: int) -> None:
    """Write the higher tiles that came with the entries from `old` to `new`, all of which have been put."""
    level = 1
    while new >> (8 * level):
        _publish_level(folder, level, old >> (8 * level), new >> (8 * level))
        level += 1


def put_checkpoint(folder: Path, note: str) -> None:
    """Put a checkpoint in place of the one before it; everything that it covers has been put."""
    write_whole(folder / CHECKPOINT_FILE, note.encode())


def _publish_level(folder: Path, level: int, old: int, new: int) -> None:
    for index in range(old // TILE, -(-new // TILE) if new > old else 0):
        begin, end = index * TILE, min(new, (index + 1) * TILE)
        before = folder / tile_path(level, index, old - begin) if begin < old < end else None
        # A crash may have left the full tile and removed the partial ones: what is below says the same.
        known = _split(before.read_bytes()) if before is not None and before.is_file() else []
        missing = range(begin + len(known), end)
        hashes = known + [root_of(_split((folder / tile_path(level - 1, below)).read_bytes())) for below in missing]
        _put(folder, level, index, end - begin, b"".join(hashes))


def _put(folder: Path, level: int | str, index: int, width: int, content: bytes) -> None:
    path = folder / tile_path(level, index, width)
    if not path.exists():
        write_whole(path, content)
    if width == TILE:
        shutil.rmtree(folder / f"{tile_path(level, index)}.p", ignore_errors=True)


def reader(folder: Path, size: int) -> Read:
    """Reads hashes of complete subtrees of the published log of `size` entries, for proofs.

    Raises, when it reads:
        NotInLog: the tile is not there.
    """

    @lru_cache(maxsize=64)
    def tile(level: int, index: int) -> list[bytes]:
        width = min(TILE, (size >> (8 * level)) - index * TILE)
        for path in (tile_path(level, index, width), tile_path(level, index)):
            if width > 0 and (folder / path).is_file():
                return _split((folder / path).read_bytes())
        raise NotInLog

    def read(level: int, index: int) -> bytes:
        inside = level % 8
        first = index << inside
        hashes = tile(level // 8, first // TILE)
        return _root(hashes[first % TILE : first % TILE + (1 << inside)])

    return read


def _root(hashes: Sequence[bytes]) -> bytes:
    """The root over as many hashes as a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _split(content: bytes) -> list[bytes]:
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
