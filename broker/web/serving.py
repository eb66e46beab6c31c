"""A door open at an address while a block lasts. It speaks plain HTTP: in production a TLS proxy stands before it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from broker import limits
from broker.errors import SettingsInvalid


@asynccontextmanager
async def served(
    app: ASGIApp, address: str, setting: str, connections_max: int = limits.door_requests_max
) -> AsyncIterator[tuple[str, int]]:
    """Serve at `host:port`, which this setting says; gives the address that it listens at. A door that ends by itself
    ends the block.

    Raises:
        SettingsInvalid: nothing can listen at this address.
    """
    listening = _listen(address, setting)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connections_max,
        timeout_keep_alive=limits.door_idle_seconds,
        timeout_graceful_shutdown=limits.door_stop_seconds_max,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve([listening]), name="door")
        try:
            host, port, *_ = listening.getsockname()
            yield host, port
        finally:
            server.should_exit = True
            await asyncio.wait({serving})


class _Server(uvicorn.Server):
    """Leaves signals to the process that it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(address: str, setting: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, int(port)), family=family)
        # An answer goes out at once: else its second part waits 40 ms until the first is confirmed (Nagle).
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, OverflowError):
        raise SettingsInvalid(f"{setting}: nothing can listen there.") from None
