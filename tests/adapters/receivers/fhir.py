"""A provider's FHIR server, the small one of the demonstration, that can be told how to behave.

Its people work on it by the same requests as anybody's. What a stock server makes of the same Bundles is shown apart
(tests/adapters/fhir/stock).
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from aiohttp import web

from broker.local.demo.fhir_server import ORGANISATION, FhirServer
from tests.adapters.receivers.receiver import Behaviour, Receiver

_STATUS: Final = {Behaviour.TRY_LATER: 503, Behaviour.REFUSE: 422}
_SETTING: Final = "HANDOFF_OUTGOING_LOOPBACK"
"""Endpoints of this machine that the operator allows."""
TOKEN: Final = "invented-token"


class FhirReceiver(FhirServer, Receiver):
    """Listens on a port of its own, the same all its life."""

    TRANSPORT: ClassVar[str] = "fhir"

    def __init__(self) -> None:
        super().__init__(TOKEN)
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        """Method and path, and the headers, of each request."""
        self.answer: bytes | None = None
        """What it answers to everything, whatever was asked."""
        self.looked = asyncio.Event()
        """Somebody has asked what has changed."""
        self.messages: list[str] = []
        """The message ids that requests were made for, each attempt's once."""
        self._how = Behaviour.TAKE
        self._before: str | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        self._before = os.environ.get(_SETTING)
        os.environ[_SETTING] = self.address
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.environ.pop(_SETTING)
        if self._before is not None:
            os.environ[_SETTING] = self._before
        await self.go_away()

    def settings(self) -> Mapping[str, Any]:
        """With a token that is written down."""
        return {"baseUrl": self.base_url, "organization": ORGANISATION}

    def secrets(self) -> Mapping[str, bytes]:
        """The token."""
        return {"fhir.token": TOKEN.encode()}

    async def behave(self, how: Behaviour) -> None:
        """Listening again is on the same port."""
        was, self._how = self._how, how
        if how is Behaviour.AWAY:
            await self.go_away()
        elif was is Behaviour.AWAY:
            await self.listen()

    async def received(self) -> Sequence[str]:
        """Also those for which there was nothing to change: the server was asked, and has answered."""
        return self.messages

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as it was told; by itself where it was told nothing."""
        self.asked.append((f"{request.method} {request.path_qs}", dict(request.headers)))
        if self._how is Behaviour.HANG:
            await asyncio.Event().wait()
        if self._how in _STATUS:
            return web.Response(status=_STATUS[self._how])
        if self.answer is not None:
            return web.Response(body=self.answer)
        answered = await super().serve(request)
        message = request.headers.get("x-request-id")
        if answered.status != 401 and message is not None and self.messages[-1:] != [message]:
            self.messages.append(message)
        if "_lastUpdated=" in request.path_qs:
            self.looked.set()
        return answered
