"""Stopping a client of Kafka: within seconds, whatever state Kafka is in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""What is not confirmed by then stays in the outbox, so nothing is lost by not waiting longer."""

_CLOSED_AGAIN_SECONDS: Final = 0.05
"""How often a producer that is given up has its connections closed again, until it has stopped."""


class Stoppable(Protocol):
    """A producer, a consumer, or what holds one."""

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""


async def stopped(client: Stoppable, seconds: float = STOP_SECONDS) -> None:
    """Stop a client; one that cannot, because Kafka is away, is left after these seconds.

    It stops in a task of its own. aiokafka 0.14 cancels its waiting fetches and lets their cancellation escape from
    `stop` where one was pausing after an error; its caller would believe that it was itself cancelled.
    """
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait({stopping}, timeout=seconds)
    if not stopping.done():
        stopping.cancel()
        log.warning("a client of Kafka did not stop within %.0f seconds and is left", seconds)
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("a client of Kafka did not stop cleanly (%s)", type(error).__name__)


def fenced(producer: AIOKafkaProducer, until: Callable[[], float]) -> None:
    """Let a producer write nothing to Kafka once this moment, by the event loop's clock, has passed.

    It is asked right before each request is written, so that it holds however late a busy process gets to its timers.
    aiokafka 0.14 has no such hook: `ready` is what it asks last of its client.
    """
    ready: Callable[..., Awaitable[bool]] = producer.client.ready
    clock = asyncio.get_running_loop().time

    async def ready_in_time(*node: Any, **group: Any) -> bool:
        return await ready(*node, **group) and clock() < until()

    producer.client.ready = ready_in_time  # type: ignore[method-assign]


async def aborted(producer: AIOKafkaProducer, seconds: float) -> None:
    """Give a producer up: when this returns, it sends nothing any more.

    Nobody may wait for its messages: the caller has cancelled their confirmations, and so `stop` does not wait for them
    either. aiokafka 0.14 still lets the requests end that are under way: they fail when their connections are closed,
    those too that were just being opened, and within `seconds`, the time of a request, whatever happens.
    """
    closing = asyncio.ensure_future(_kept_closed(producer))
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=seconds)
    closing.cancel()
    if not stopping.done():
        stopping.cancel()
        log.warning("a producer was given up whose connections did not close within %.0f seconds", seconds)
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("a producer was given up in disorder (%s)", type(error).__name__)


async def _kept_closed(producer: AIOKafkaProducer) -> None:
    while True:
        await producer.client.close()
        await asyncio.sleep(_CLOSED_AGAIN_SECONDS)
