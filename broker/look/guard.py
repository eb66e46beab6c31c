"""Around every page: headers that keep it here, no form from elsewhere, and no bare error.

Browsers say where a request comes from (`Sec-Fetch-Site`); only from these pages themselves is anything changed.
"""

import logging
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer (pages.md §2)."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MakeProblem = Callable[[Scope, int], Response]
"""A page that says what is wrong, for a status."""


class Guard:
    """Wraps the application; `origin` is how the pages are reached."""

    def __init__(self, app: ASGIApp, origin: str, problem: MakeProblem) -> None:
        self._app = app
        self._origin = origin
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["method"] not in _SAFE and not self._from_here(Headers(scope=scope)):
            await self._problem(scope, 403)(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  its message might hold a value: only its kind is logged
            away = isinstance(error, TRANSIENT)
            log.log(logging.WARNING if away else logging.ERROR, "a page failed with %s", type(error).__name__)
            if not begun:
                await self._problem(scope, 503 if away else 500)(scope, receive, sending)

    def _from_here(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return headers.get("origin") == self._origin
