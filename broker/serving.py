"""The broker's processes, each alone or several in one: intake, relay and clock; they end cleanly when asked to.

Each of them may run in any number of copies: Kafka's partitions, PostgreSQL's locks and nothing of our own share the
work out.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from broker import limits
from broker.bus.intake import Intake, TransientError
from broker.pipeline import Parts, Pipeline
from broker.relay import Relay
from broker.schemas.event import TO_BROKER
from broker.sql.transient import TRANSIENT
from broker.store.erasing import erase
from broker.store.policies import in_force
from broker.store.quarantine import forget_settled
from broker.store.retaining import retain
from broker.store.shredding import shred
from broker.store.ticks import last_tick

log = logging.getLogger(__name__)

CONSUMER_GROUP: Final = "warm-handoff-broker"
CLOCK_SECONDS: Final = 0.5
"""How late a deadline may be noticed; the shortest deadline is thirty seconds."""
SHRED_SECONDS: Final = 1.0
"""How long a wrapped key may outlive a revocation after which nobody may have it: a look costs one index probe."""
FORGET_SECONDS: Final = 60.0
"""Between two looks at rows that were settled weeks ago: nobody waits for it."""
RELAY_SECONDS: Final = 0.2
TROUBLE_SECONDS: Final = 2.0
"""Pause after a part could not be reached."""


@asynccontextmanager
async def intake(parts: Parts, kafka: dict[str, Any]) -> AsyncIterator[Pipeline]:
    """Take in, decide and offer while the block lasts."""
    pipeline = Pipeline(parts)
    pattern = parts.topics.pattern(*sorted(TO_BROKER))
    group = parts.topics.prefix + CONSUMER_GROUP
    reader = Intake(kafka, pattern, group, pipeline.store, pipeline.positions)
    await pipeline.start()
    await reader.start()
    try:
        yield pipeline
    finally:
        await reader.stop()
        await pipeline.stop()


@asynccontextmanager
async def clock(parts: Parts) -> AsyncIterator[Pipeline]:
    """Work deadlines that pass, and destroy what has served, while the block lasts."""
    pipeline = Pipeline(parts)
    await pipeline.start()
    try:
        async with (
            _repeating(pipeline.work_due, CLOCK_SECONDS, "clock"),
            _repeating(pipeline.work_early, CLOCK_SECONDS, "early-keys"),
            _repeating(lambda: _shred(parts), SHRED_SECONDS, "shredding"),
            _repeating(lambda: _forget(parts), FORGET_SECONDS, "forgetting"),
            _repeating(lambda: _erase(parts), limits.erasure_look_seconds, "erasing"),
            _repeating(lambda: _retain(parts), limits.retention_look_seconds, "retention"),
        ):
            yield pipeline
    finally:
        await pipeline.stop()


async def _shred(parts: Parts) -> int:
    """Nothing is destroyed by a clock that is not believed."""
    async with parts.pool.acquire() as connection, connection.transaction():
        if (await last_tick(connection)).held_at is not None:
            return 0
        return await shred(connection, parts.broker_org)


async def _erase(parts: Parts) -> int:
    async with parts.pool.acquire() as connection, connection.transaction():
        return await erase(connection, parts.broker_org)


async def _retain(parts: Parts) -> int:
    """Nothing is erased by a clock that is not believed."""
    async with parts.pool.acquire() as connection, connection.transaction():
        if (await last_tick(connection)).held_at is not None:
            return 0
        reference = await in_force(connection)
        if reference is None:
            return 0
        await parts.packs.learn(connection, {reference})
        return (await retain(connection, parts.packs[reference], parts.broker_org)).referrals


async def _forget(parts: Parts) -> int:
    async with parts.pool.acquire() as connection:
        return await forget_settled(connection)


@asynccontextmanager
async def relay(parts: Parts) -> AsyncIterator[Relay]:
    """Send what its own process did not get confirmed, while the block lasts."""
    relaying = Relay(parts)
    async with _repeating(relaying.turn, RELAY_SECONDS, "relay"):
        yield relaying


@asynccontextmanager
async def seal_watch(parts: Parts) -> AsyncIterator[None]:
    """Know whether the trail is sealed, from before anything is sent and while the block lasts."""
    await parts.seal.look(parts.pool)
    async with _repeating(lambda: parts.seal.look(parts.pool), limits.unsealed_look_seconds, "seal-watch"):
        yield


@asynccontextmanager
async def _repeating(turn: Callable[[], Awaitable[int]], pause_seconds: float, name: str) -> AsyncIterator[None]:
    """What ends the turns for good ends the block, and so the process: whoever watches over it starts it again."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_repeat(turn, pause_seconds, name), name=name)
        try:
            yield
        finally:
            task.cancel()


async def _repeat(turn: Callable[[], Awaitable[int]], pause_seconds: float, name: str) -> None:
    """Turn after turn: at once where there was work, after a pause where there was none, later after trouble."""
    while True:
        try:
            worked = await turn()
            await asyncio.sleep(0 if worked else pause_seconds)
        except (TransientError, *TRANSIENT) as error:
            log.warning("%s: a part cannot be reached (%s), trying again", name, error or type(error).__name__)
            await asyncio.sleep(TROUBLE_SECONDS)


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    await told.wait()
