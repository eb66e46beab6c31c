"""A sequencer that is ended in the middle of publishing: what it has begun to write is written before it is gone."""

import asyncio
import threading

import pytest

from broker.trail.publishing import to_its_end


async def test_whoever_is_cancelled_waits_for_what_is_being_written() -> None:
    """The task ends after its thread, and as cancelled."""
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        begun.set()
        may_end.wait()
        ended.set()

    task = asyncio.create_task(to_its_end(write))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
