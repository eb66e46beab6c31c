"""No test waits for ever: after its time it fails, and says where it and each of its tasks stood."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

TEST_SECONDS_MAX: Final = 600.0
"""The longest test takes two minutes on a busy machine; a first run downloads what the parts are made of."""
_AGAIN_SECONDS: Final = 60.0
"""Taking down what hung may hang as well."""


class TestTookTooLong(Exception):
    """A test has used up its time."""

    __test__ = False


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End the block with `TestTookTooLong` after so many seconds, whatever it waits for; in the main thread only."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_long(_number: int, _frame: FrameType | None) -> None:
    try:
        waiting = asyncio.all_tasks(asyncio.get_running_loop())
    except RuntimeError:
        waiting = set()
    for task in waiting:
        task.print_stack(file=sys.stderr)
    raise TestTookTooLong
