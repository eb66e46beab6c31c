"""Stopping a client of Kafka: within seconds, whatever state Kafka is in."""

import asyncio
import logging
from typing import Protocol

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""What is not confirmed by then stays in the outbox, so nothing is lost by not waiting longer."""


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
