"""Around an application that nobody signs in at: each request is answered in the language in which it was asked."""

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from broker.look.language import LANGUAGES, preferred, speak, spoken

LANGUAGE: Final = "language"
"""What an address says it by, for whoever wants another language than the browser's."""


def chosen(request: Request) -> str | None:
    """The language that the address of a request names, if it names one."""
    named = request.query_params.get(LANGUAGE)
    return named if named in LANGUAGES else None


def told_headers() -> dict[str, str]:
    """What an answer says of the language that it is in, and of what that hangs on."""
    return {"content-language": spoken(), "vary": "accept-language"}


class Speaking:
    """Speaks what the address names, or else what the header asks for first (RFC 9110 §12.5.4)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            speak(chosen(request) or preferred(request.headers.get("accept-language", "")))
        await self._app(scope, receive, send)
