"""The tree is the one of RFC 6962: its roots and proofs are the reference's, and no other proof is believed."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_inclusion

from broker.trail.merkle import (
    HASH_BYTES,
    Frontier,
    Read,
    consistency_proof,
    consistent,
    included,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.trail import naive

SIZES_MAX: Final = 70
REFERENCE: Final = (
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
)
"""The entries of Certificate Transparency's own tests, each with the root of the tree that it is the last one of."""

ENTRIES: Final = [bytes([number]) * 32 for number in range(SIZES_MAX)]
LEAVES: Final = [leaf_hash(entry) for entry in ENTRIES]
ROOTS: Final = [naive.mth(ENTRIES[:size]) for size in range(SIZES_MAX + 1)]


def reader(leaves: Sequence[bytes]) -> Read:
    """Reads the hashes of complete subtrees from leaf hashes in memory."""

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= len(leaves), "an incomplete subtree was asked for"
        if level == 0:
            return leaves[index]
        return node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read


READ: Final = reader(LEAVES)


def altered(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Proofs that are not this one: each step changed, left out or doubled, one more at either end, two swapped."""
    whole = list(proof)
    for at, step in enumerate(whole):
        yield [*whole[:at], bytes([step[0] ^ 1]) + step[1:], *whole[at + 1 :]]
        yield whole[:at] + whole[at + 1 :]
        yield [*whole[:at], step, *whole[at:]]
    yield [*whole, bytes(HASH_BYTES)]
    yield [bytes(HASH_BYTES), *whole]
    if len(whole) > 1:
        yield [whole[1], whole[0], *whole[2:]]


def test_the_roots_are_those_of_the_reference() -> None:
    """Certificate Transparency's eight entries, one after the other; of none it is the hash of nothing."""
    tree = Frontier()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in REFERENCE:
        tree.extend([leaf_hash(bytes.fromhex(entry))])
        assert tree.root().hex() == root
    assert Frontier.of_bytes(tree.size, tree.wire()) == tree


def test_a_frontier_must_fit_its_size() -> None:
    """As many peaks as the size has bits."""
    for size, peaks in ((3, HASH_BYTES), (4, 2 * HASH_BYTES), (1, HASH_BYTES - 1), (-1, 0)):
        with pytest.raises(ValueError, match="not a frontier"):
            Frontier.of_bytes(size, bytes(peaks))


def test_every_inclusion_is_proved_and_nothing_else() -> None:
    """A2: every entry of every tree up to 70: the reference's proof; any other, or another place, is refused."""
    refused = 0
    for size in range(1, SIZES_MAX + 1):
        assert root_of(LEAVES[:size]) == ROOTS[size]
        for index in range(size):
            proof = inclusion_proof(READ, index, size)
            assert proof == naive.path(index, ENTRIES[:size])
            assert included(LEAVES[index], index, size, proof, ROOTS[size])
            wrong = [
                *(included(LEAVES[index], index, size, other, ROOTS[size]) for other in altered(proof)),
                *(
                    included(LEAVES[index], other, size, proof, ROOTS[size])
                    for other in range(-1, size + 2)
                    if other != index
                ),
                included(LEAVES[index], index, size, proof, ROOTS[size - 1]),
                included(LEAVES[index - 1], index, size, proof, ROOTS[size]) if size > 1 else False,
            ]
            assert not any(wrong)
            refused += len(wrong)
    assert refused > 100_000


def test_every_consistency_is_proved_and_nothing_else() -> None:
    """A2: every pair of trees up to 70: the reference's proof; any other, another size or another root is refused."""
    refused = 0
    for new in range(1, SIZES_MAX + 1):
        for old in range(1, new + 1):
            proof = consistency_proof(READ, old, new)
            assert proof == naive.proof(old, ENTRIES[:new])
            assert consistent(old, new, proof, ROOTS[old], ROOTS[new])
            wrong = [
                *(consistent(old, new, other, ROOTS[old], ROOTS[new]) for other in altered(proof)),
                consistent(old, new, proof, ROOTS[old - 1], ROOTS[new]),
                consistent(old, new, proof, ROOTS[old], ROOTS[new - 1]),
                consistent(new, old, proof, ROOTS[new], ROOTS[old]) if old != new else False,
            ]
            assert not any(wrong)
            refused += len(wrong)
        assert consistent(0, new, [], ROOTS[0], ROOTS[new])
        assert not consistent(0, new, [], ROOTS[1], ROOTS[new])
        assert not consistent(0, new, [ROOTS[0]], ROOTS[0], ROOTS[new])
    assert refused > 30_000


def test_what_a_tree_does_not_have_cannot_be_proved() -> None:
    """No entry outside of it, and no older tree that is larger."""
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="no such entry"):
            inclusion_proof(READ, index, size)
    with pytest.raises(ValueError, match="only grows"):
        consistency_proof(READ, 4, 3)


@given(st.lists(st.integers(1, 5000), min_size=4, max_size=4), st.integers(0, 2**64))
@settings(max_examples=2500, deadline=None, database=None)
def test_any_tree_proves_what_it_holds_and_refuses_the_rest(sizes: list[int], seed: int) -> None:
    """A2: in each of 10,000 trees, an entry and an older tree are proved, and refused once anything is changed."""
    drawn = random.Random(seed)
    for size in sizes:
        _prove_and_refuse(size, drawn.randrange(size), drawn.randint(1, size), drawn)


def _prove_and_refuse(size: int, index: int, old: int, drawn: random.Random) -> None:
    read, bit = _numbered(size), 1 << drawn.randrange(256)
    leaf, root, before = read(0, index), _root(read, size), _root(read, old)
    proof, way = inclusion_proof(read, index, size), consistency_proof(read, old, size)
    assert included(leaf, index, size, proof, root)
    assert consistent(old, size, way, before, root)
    assert not included(_flip(leaf, bit), index, size, proof, root)
    assert not included(leaf, index, size, proof, _flip(root, bit))
    assert not included(leaf, (index + 1) % size, size, proof, root) or size == 1
    assert not consistent(old, size, way, _flip(before, bit), root)
    assert not consistent(old, size, way, before, _flip(root, bit))
    if proof:
        at = drawn.randrange(len(proof))
        assert not included(leaf, index, size, _without(proof, at), root)
        assert not included(leaf, index, size, _flipped(proof, at, bit), root)
    if way:
        at = drawn.randrange(len(way))
        assert not consistent(old, size, _without(way, at), before, root)
        assert not consistent(old, size, _flipped(way, at, bit), before, root)


def test_another_implementation_has_the_same_roots_and_proofs() -> None:
    """pymerkle's, which counts entries from one: the hashes of its proofs are ours, and it accepts what they prove."""
    tree = InmemoryTree(algorithm="sha256")
    for size, entry in enumerate(ENTRIES, 1):
        tree.append_entry(entry)
        assert tree.get_root() == ROOTS[size]
        for index in range(size):
            theirs = tree.prove_inclusion(index + 1)
            ours = [LEAVES[index], *inclusion_proof(READ, index, size)]
            assert sorted(theirs.path) == sorted(ours)
            verify_inclusion(LEAVES[index], ROOTS[size], theirs, index=index + 1, size=size)


def _without(proof: list[bytes], at: int) -> list[bytes]:
    return proof[:at] + proof[at + 1 :]


def _flipped(proof: list[bytes], at: int, bit: int) -> list[bytes]:
    return [*proof[:at], _flip(proof[at], bit), *proof[at + 1 :]]


def _flip(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value) ^ bit).to_bytes(len(value))


def _root(read: Read, size: int) -> bytes:
    tree = Frontier(size, [])
    begin = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            tree.peaks.append(read(level, begin >> level))
            begin += 1 << level
    return tree.root()


_LEVELS: Final[list[list[bytes]]] = []


def _numbered(size: int) -> Read:
    """A tree of numbered entries; its hashes are kept, because thousands of trees begin alike."""
    if not _LEVELS:
        _LEVELS.append([leaf_hash(number.to_bytes(32)) for number in range(5000)])
        while len(below := _LEVELS[-1]) > 1:
            _LEVELS.append([node_hash(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return _LEVELS[level][index]

    return read
