"""The other side of the scripted transport: an HTTP server that answers with the status that it is told, when told."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.adapters.receivers.receiver import Behaviour, Receiver

_STATUS = {Behaviour.TAKE: 204, Behaviour.TRY_LATER: 503, Behaviour.REFUSE: 400}


@dataclass(frozen=True, slots=True)
class Post:
    """One message that arrived."""

    message_id: str
    type: str
    offer_id: str


class ScriptedReceiver(Receiver):
    """It listens on a port of its own, and keeps what arrives."""

    TRANSPORT: ClassVar[str] = "scripted"

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self.status = 204
        self.retry_after: float | None = None
        self.posts: list[Post] = []
        self.arrived = asyncio.Event()
        """Set whenever something arrives."""
        self._delay = delay_seconds
        self._hangs = False
        self._port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    def settings(self) -> Mapping[str, Any]:
        """Its port."""
        return {"port": self._port}

    async def behave(self, how: Behaviour) -> None:
        """From now on, do this."""
        self._hangs = how is Behaviour.HANG
        if how is Behaviour.AWAY:
            await self._leave()
            return
        self.status = _STATUS.get(how, self.status)
        if self._server is None:
            await self._listen()

    async def received(self) -> Sequence[str]:
        """The message ids that have arrived."""
        return [post.message_id for post in self.posts]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _leave(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._connections):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # The other side has gone, or this one has been told to.
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        told = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = (await reader.readexactly(int(told["content-length"]))).decode()
        self.posts.append(Post(body, told["x-type"], told["x-offer"]))
        self.arrived.set()
        if self._hangs:
            await asyncio.Event().wait()
        if self._delay:
            await asyncio.sleep(self._delay)
        after = f"Retry-After: {self.retry_after}\r\n" if self.retry_after is not None else ""
        writer.write(f"HTTP/1.1 {self.status} -\r\n{after}Content-Length: 0\r\n\r\n".encode())
