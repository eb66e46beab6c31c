"""The broker on an event loop of its own, in a thread: it goes on while the tests' loop stands still between tests."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager

from broker.composition import BROKER_PROCESSES, running_broker
from broker.settings import Settings


@asynccontextmanager
async def broker_in_a_thread(settings: Settings) -> AsyncIterator[None]:
    """Intake, relay and clock while the block lasts, whether anybody runs the caller's loop or not.

    A member of a Kafka group that is not run misses its heartbeats: it would be dropped, and taken in again with the
    next test, some seconds late. What ends the broker ends the block with the same error.
    """
    at_work: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def work() -> None:
        leave = asyncio.Event()
        async with running_broker(settings, *BROKER_PROCESSES):
            at_work.set_result((asyncio.get_running_loop(), leave))
            await leave.wait()

    with ThreadPoolExecutor(1, "broker") as threads:
        ended = asyncio.wrap_future(threads.submit(asyncio.run, work()))
        started = asyncio.wrap_future(at_work)
        await asyncio.wait((ended, started), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
        loop, leave = started.result()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(leave.set)
            await ended
