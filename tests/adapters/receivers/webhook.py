"""A provider's system that takes webhooks: HTTPS with a certificate of its own authority, every signature verified.

HMAC signatures are verified by the `standardwebhooks` package; Ed25519 ones, which it does not know, by `cryptography`.
"""

import asyncio
import base64
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook as Standard

from tests.adapters.certificates import Authority
from tests.adapters.receivers.receiver import Behaviour, Receiver

_STATUS: Final = {Behaviour.TAKE: 204, Behaviour.TRY_LATER: 503, Behaviour.REFUSE: 422}
_SETTINGS: Final = ("HANDOFF_OUTGOING_LOOPBACK", "HANDOFF_OUTGOING_CA_FILE")
_STOP_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it came, signatures verified."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class WebhookReceiver(Receiver):
    """Listens on a port of its own, the same all its life."""

    TRANSPORT: ClassVar[str] = "webhook"

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.answer_with: tuple[int, Mapping[str, str]] | None = None
        """A status and headers to be answered with, whatever it was told to do."""
        self.hmac = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        self.ed25519 = Ed25519PrivateKey.generate()
        self._how = Behaviour.TAKE
        self._port = 0
        self._runner: web.ServerRunner | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="webhook-receiver-")
        self._before: dict[str, str | None] = {}

    async def __aenter__(self) -> Self:
        self.authority = Authority.new(Path(self._folder.name))
        self._tls = self.authority.server("localhost")
        await self._listen()
        self._before = {name: os.environ.get(name) for name in _SETTINGS}
        os.environ.update(zip(_SETTINGS, (f"localhost:{self._port}", str(self.authority.file)), strict=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        await self._close()
        self._folder.cleanup()

    def settings(self) -> Mapping[str, Any]:
        """An address of this machine, which the operator has allowed."""
        return {"url": f"https://localhost:{self._port}/in"}

    def secrets(self) -> Mapping[str, bytes]:
        """One of each kind: both sign."""
        seed = base64.b64encode(self.ed25519.private_bytes_raw()).decode()
        return {"hmac.secret": self.hmac.encode(), "ed25519.secret": f"whsk_{seed}".encode()}

    async def behave(self, how: Behaviour) -> None:
        """Listening again is on the same port."""
        was, self._how = self._how, how
        if how is Behaviour.AWAY:
            await self._close()
        elif was is Behaviour.AWAY:
            await self._listen()

    async def received(self) -> Sequence[str]:
        """Of those that were taken."""
        return [one.headers["webhook-id"] for one in self.arrived]

    async def _listen(self) -> None:
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        [address] = runner.addresses
        self._port = address[1]
        self._runner = runner

    async def _close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._how is Behaviour.HANG:
            await asyncio.Event().wait()
        body = await request.read()
        self._verify(dict(request.headers), body)
        if self.answer_with is not None:
            status, headers = self.answer_with
            return web.Response(status=status, headers=headers)
        if self._how is Behaviour.TAKE:
            self.arrived.append(Arrived(request.path_qs, dict(request.headers), body))
        return web.Response(status=_STATUS[self._how])

    def _verify(self, headers: dict[str, str], body: bytes) -> None:
        """Raises where either signature is wrong: the sender gets a 500, and the test's log says why."""
        Standard(self.hmac).verify(body, headers, json_parse=False)
        [signature] = [one[4:] for one in headers["webhook-signature"].split() if one.startswith("v1a,")]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        self.ed25519.public_key().verify(base64.b64decode(signature), signed)
