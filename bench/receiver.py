"""An HTTP receiver in a process of its own that takes everything: it answers 204 after so many milliseconds.

As cheap as can be, because it runs beside what is measured. The port that it listens on is its first line.
"""

import asyncio
import sys
from functools import partial

_ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Receiving(asyncio.Protocol):
    """One connection, one request after another."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay = delay_seconds
        self._got = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._got[:end]).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._got) < end + 4 + length:
                return
            del self._got[: end + 4 + length]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def listen(delay_seconds: float) -> None:
    """Listen until killed."""
    server = await asyncio.get_running_loop().create_server(partial(Receiving, delay_seconds), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(listen(float(sys.argv[1]) / 1000))
