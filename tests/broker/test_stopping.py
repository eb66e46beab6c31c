"""A client of Kafka stops within seconds, whatever becomes of its stopping, and nobody else is cancelled by it."""

import asyncio

import pytest

from broker.bus.stopping import stopped


class Client:
    """Stops as it is told to."""

    def __init__(self, seconds: float = 0, error: BaseException | None = None) -> None:
        self._seconds = seconds
        self._error = error
        self.done = False

    async def stop(self) -> None:
        await asyncio.sleep(self._seconds)
        self.done = True
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [None, OSError(), asyncio.CancelledError()], ids=repr)
async def test_whatever_stopping_raises_stays_with_the_client(error: BaseException | None) -> None:
    """aiokafka's own cancelled fetches would otherwise cancel whoever stops it."""
    client = Client(error=error)
    await stopped(client)
    assert client.done


async def test_a_client_that_cannot_stop_is_left() -> None:
    """With Kafka away a producer waits for confirmations that never come."""
    await asyncio.wait_for(stopped(Client(seconds=3600), seconds=0.05), timeout=10)


async def test_who_is_cancelled_while_stopping_is_cancelled() -> None:
    """What is swallowed is the client's trouble, never the caller's own end."""
    task = asyncio.create_task(stopped(Client(seconds=0.5)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
