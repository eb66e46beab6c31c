"""An HTTP server of the demo's own on the loopback interface: one port all its life, also after it was away."""

from types import TracebackType
from typing import Final, Self

from aiohttp import web

from broker.local.ports import LOOPBACK

_STOP_SECONDS: Final = 0.1
"""What requests under way get when it stops: nobody's work depends on them."""


class LoopbackServer:
    """`async with` it; what it answers is in `serve`, which whoever derives from it writes."""

    def __init__(self) -> None:
        self._port = 0
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.go_away()

    @property
    def address(self) -> str:
        """`host:port`, known once it has listened."""
        return f"{LOOPBACK}:{self._port}"

    async def listen(self) -> None:
        """Answer: at first wherever there is room, afterwards at the same port."""
        runner = web.ServerRunner(web.Server(self.serve), shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, self._port, reuse_address=True).start()
        [found] = runner.addresses
        self._port = found[1]
        self._runner = runner

    async def go_away(self) -> None:
        """From now on nobody listens there."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        raise NotImplementedError
