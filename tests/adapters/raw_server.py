"""A TLS server that says exactly what a test wants, byte by byte, and counts who came."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class RawServer:
    """What it has seen."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    bytes_said: int = 0


@asynccontextmanager
async def raw_server(tls: ssl.SSLContext | None, say: Say) -> AsyncIterator[RawServer]:
    """Each request's head is read; then `say` speaks, for as long as it likes and the other side listens."""
    seen = RawServer()
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                seen.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await say(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


def saying(answer: bytes) -> Say:
    """Says the same to everybody."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return say
