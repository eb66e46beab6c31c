"""Whatever a door refuses it says by code, with the field's name and what to do; never a value, never a bare error.

RFC 9457 (`application/problem+json`). Codes of the contract are told in its own words; each door adds codes of its own.
What a code means is said in the language of the request; `type`, `code` and `field` are the same in every language.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.look.language import _
from broker.look.speaking import told_headers
from broker.schemas.refusal import ADVICE, Advice, RefusalCode
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of every answer."""
_ASK_AGAIN: Final = {"retry-after": "5"}


class Problem(Exception):
    """A request that a door does not take; carries the code, a field's or header's name, and headers of the answer."""

    def __init__(self, code: StrEnum, field: str | None = None, **headers: str) -> None:
        super().__init__(code.value)
        self.code = code
        self.field = field
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Wording:
    """How one door says its codes; every status that is not told is a 400."""

    advice: Mapping[StrEnum, Advice]
    status: Mapping[StrEnum, int]
    away: StrEnum
    """Something that we need cannot be reached: to be asked again."""
    fault: StrEnum
    """A failure that nobody expected."""

    def answer(self, code: StrEnum, field: str | None = None, **headers: str) -> JSONResponse:
        """The answer that says a code."""
        advice = ADVICE[code] if isinstance(code, RefusalCode) else self.advice[code]
        status = self.status.get(code, 400)
        content: dict[str, Any] = {
            "type": f"urn:warm-handoff:problem:{code.value}",
            "title": _(advice.meaning),
            "status": status,
            "code": code.value,
            "detail": _(advice.remedy),
        }
        if field is not None:
            content["field"] = field
        waiting = _ASK_AGAIN if status == 503 else {}
        said = {**HEADERS, **told_headers(), **waiting, **headers}
        return JSONResponse(content, status, headers=said, media_type="application/problem+json")


class LastResort:
    """What nobody expected is a coded answer, too, and only its kind is logged: its message might hold a value."""

    def __init__(self, app: ASGIApp, wording: Wording) -> None:
        self._app = app
        self._wording = wording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001
            away = isinstance(error, TRANSIENT)
            log.log(logging.WARNING if away else logging.ERROR, "the door failed with %s", type(error).__name__)
            if not begun:
                await self._wording.answer(self._wording.away if away else self._wording.fault)(scope, receive, send)
