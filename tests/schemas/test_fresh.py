"""Randomness that is drawn in blocks is given to nobody twice."""

import os
from concurrent.futures import ThreadPoolExecutor

from broker.schemas.fresh import BLOCK_PIECES, BYTES, fresh16


def test_threads_are_given_different_pieces() -> None:
    """Over the edges of many blocks."""
    count = 20 * BLOCK_PIECES
    with ThreadPoolExecutor(8) as pool:
        pieces = list(pool.map(lambda _: fresh16(), range(count)))
    assert len(set(pieces)) == count
    assert {len(piece) for piece in pieces} == {BYTES}


def test_a_child_process_begins_with_a_block_of_its_own() -> None:
    """What was drawn before the fork is the parent's alone."""
    fresh16()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, fresh16())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, BYTES)
    assert len(theirs) == BYTES
    assert theirs not in {fresh16() for _ in range(2 * BLOCK_PIECES)}
