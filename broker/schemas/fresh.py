"""Fresh randomness from the system, drawn in blocks: asking for each id was a twelfth of the broker's time.

No bytes are given twice: not to two threads, because taking from the block is one step, and not to a process and its
child, because a child begins with an empty block.
"""

import os
from collections import deque
from typing import Final

BYTES: Final = 16
BLOCK_PIECES: Final = 256
"""A page of the system's randomness."""

_pieces: Final[deque[bytes]] = deque()


def fresh16() -> bytes:
    """Sixteen bytes that nobody else was given."""
    while True:
        try:
            return _pieces.popleft()
        except IndexError:
            block = os.urandom(BYTES * BLOCK_PIECES)
            _pieces.extend(block[at : at + BYTES] for at in range(0, len(block), BYTES))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pieces.clear)
