"""The tree of RFC 6962 over the log's entries: its root from O(log n) hashes, and proofs that anybody can check.

A tree is known here by its *frontier*: the roots of the complete subtrees that its entries fall into from the left, the
largest first, one for each bit of its size. Whoever wants a proof says how the hash of a complete subtree is read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32

Read = Callable[[int, int], bytes]
"""`read(level, index)`: the root of the complete subtree of 2**level entries that begins at entry index * 2**level."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside each other."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """A growing tree: its size and the roots of its complete subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def of_bytes(cls, size: int, peaks: bytes) -> "Frontier":
        """The frontier that `wire` wrote.

        Raises:
            ValueError: this is no frontier of a tree of this size.
        """
        if size < 0 or len(peaks) != size.bit_count() * HASH_BYTES:
            raise ValueError("not a frontier of a tree of this size")
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])

    def wire(self) -> bytes:
        """The peaks, one after the other."""
        return b"".join(self.peaks)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add entries by their leaf hashes."""
        for leaf in leaves:
            grown, rest = leaf, self.size
            while rest & 1:
                grown = node_hash(self.peaks.pop(), grown)
                rest >>= 1
            self.peaks.append(grown)
            self.size += 1

    def root(self) -> bytes:
        """The Merkle tree hash; of no entries it is the hash of nothing."""
        if not self.peaks:
            return sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


def inclusion_proof(read: Read, index: int, size: int) -> list[bytes]:
    """What leads from entry `index` to the root of the tree of `size` entries (RFC 6962 §2.1.1).

    Raises:
        ValueError: the tree has no such entry.
    """
    if not 0 <= index < size:
        raise ValueError("no such entry in a tree of this size")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_subtree(read, middle, end))
            end = middle
        else:
            path.append(_subtree(read, begin, middle))
            begin = middle
    return path[::-1]


def consistency_proof(read: Read, old: int, new: int) -> list[bytes]:
    """What shows that the tree of `new` entries begins with the one of `old` (RFC 6962 §2.1.2).

    Raises:
        ValueError: the older tree is not the smaller one.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree only grows")
    if old in (0, new):
        return []
    path, begin, end, whole = [], 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_subtree(read, middle, end))
            end = middle
        else:
            path.append(_subtree(read, begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append(_subtree(read, begin, end))
    return path[::-1]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from this leaf hash at `index` to the root of `size` entries (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the proof shows that the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == root_of(())
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`, at which a tree of `size` entries is divided."""
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(read: Read, begin: int, end: int) -> bytes:
    """The root over entries `begin` to `end`; `begin` is where a subtree of this size may begin."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, begin >> level)
    middle = begin + _split(size)
    return node_hash(_subtree(read, begin, middle), _subtree(read, middle, end))
