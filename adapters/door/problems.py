"""Whatever the door refuses it says by code, with the field's name and what to do; never a value, never a bare error.

RFC 9457 (`application/problem+json`). Codes of the contract are told in the contract's own words.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.errors import AnswerNotPossible, OfferNotFound
from broker.schemas.refusal import ADVICE, Advice, RefusalCode, Refused
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)


class DoorCode(StrEnum):
    """What is wrong with a request before it is an answer at all."""

    PATH_UNKNOWN = "PATH_UNKNOWN"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    REQUEST_INVALID = "REQUEST_INVALID"
    ORGANISATION_NOT_NAMED = "ORGANISATION_NOT_NAMED"
    HEADER_INVALID = "HEADER_INVALID"
    SIGNATURE_STALE = "SIGNATURE_STALE"
    CONTENT_UNSUPPORTED = "CONTENT_UNSUPPORTED"
    TOO_SLOW = "TOO_SLOW"
    ZONE_AWAY = "ZONE_AWAY"
    ZONE_FAULT = "ZONE_FAULT"


_ADVICE: Final[Mapping[DoorCode, Advice]] = {
    DoorCode.PATH_UNKNOWN: Advice("There is nothing here.", "Use GET /offers/{offerId} or POST /answers."),
    DoorCode.METHOD_NOT_ALLOWED: Advice("This is not done here.", "Use GET /offers/{offerId} or POST /answers."),
    DoorCode.REQUEST_INVALID: Advice("The request cannot be read.", "See docs/providers.md."),
    DoorCode.ORGANISATION_NOT_NAMED: Advice(
        "Several organisations are served here.", "Name yours in the header handoff-org."
    ),
    DoorCode.HEADER_INVALID: Advice(
        "A header occurs twice or has another shape.", "Send it once; the webhook-id of an answer is a UUID."
    ),
    DoorCode.SIGNATURE_STALE: Advice(
        "The request was signed too long ago, or in the future.",
        "Sign anew with the time of now and send it under the same webhook-id: it counts once. Check your clock.",
    ),
    DoorCode.CONTENT_UNSUPPORTED: Advice(
        "The body is not plain JSON.", "Send content-type application/json, and no content-encoding."
    ),
    DoorCode.TOO_SLOW: Advice("The body did not arrive in time.", "Send it again under the same webhook-id."),
    DoorCode.ZONE_AWAY: Advice(
        "Nothing can be stored at this moment.", "Send it again under the same webhook-id in some seconds."
    ),
    DoorCode.ZONE_FAULT: Advice(
        "The zone failed; that is not your fault.", "Answer at the inbox or by telephone; the operator has been told."
    ),
}

_STATUS: Final[Mapping[StrEnum, int]] = {
    DoorCode.PATH_UNKNOWN: 404,
    DoorCode.METHOD_NOT_ALLOWED: 405,
    DoorCode.SIGNATURE_STALE: 401,
    DoorCode.CONTENT_UNSUPPORTED: 415,
    DoorCode.TOO_SLOW: 408,
    DoorCode.ZONE_AWAY: 503,
    DoorCode.ZONE_FAULT: 500,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.SIGNATURE_MISSING: 401,
    RefusalCode.SIGNATURE_INVALID: 401,
    RefusalCode.OFFER_UNKNOWN: 404,
    RefusalCode.ID_REUSED: 409,
    RefusalCode.TRANSITION_IMPOSSIBLE: 409,
    RefusalCode.OFFER_TAKEN: 409,
    RefusalCode.OFFER_EXPIRED: 409,
    RefusalCode.OFFER_WITHDRAWN: 409,
    RefusalCode.OFFER_ALREADY_ANSWERED: 409,
    RefusalCode.ANSWER_NOT_OFFERED: 422,
}
"""Every other code is a 400: the request has another shape than it must have."""

HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Of every answer."""
_ASK_AGAIN: Final = {"retry-after": "5"}


class Problem(Exception):
    """A request that the door does not take; carries the code and a field's or header's name."""

    def __init__(self, code: DoorCode, field: str | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.field = field


def problem(code: DoorCode | RefusalCode, field: str | None = None, **headers: str) -> JSONResponse:
    """The answer that says a code."""
    advice = _ADVICE[code] if isinstance(code, DoorCode) else ADVICE[code]
    status = _STATUS.get(code, 400)
    content: dict[str, Any] = {
        "type": f"urn:warm-handoff:problem:{code.value}",
        "title": advice.meaning,
        "status": status,
        "code": code.value,
        "detail": advice.remedy,
    }
    if field is not None:
        content["field"] = field
    waiting = _ASK_AGAIN if status == 503 else {}
    return JSONResponse(
        content, status, headers={**HEADERS, **waiting, **headers}, media_type="application/problem+json"
    )


def told(_: Request, error: Exception) -> JSONResponse:
    """What an exception is to whoever asked."""
    match error:
        case Problem(code=code, field=field):
            return problem(code, field)
        case Refused(code=refusal, field=field):
            return problem(refusal, field)
        case AnswerNotPossible(code=refusal):
            return problem(refusal)
        case OfferNotFound():
            return problem(RefusalCode.OFFER_UNKNOWN)
        case HTTPException(status_code=404):
            return problem(DoorCode.PATH_UNKNOWN)
        case HTTPException(status_code=405, headers=allowed):
            return problem(DoorCode.METHOD_NOT_ALLOWED, **dict(allowed or {}))
    return problem(DoorCode.REQUEST_INVALID)


EXPECTED: Final = (Problem, Refused, AnswerNotPossible, OfferNotFound, HTTPException)


class LastResort:
    """What nobody expected is a coded answer, too, and only its kind is logged: its message might hold a value."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
                await problem(DoorCode.ZONE_AWAY if away else DoorCode.ZONE_FAULT)(scope, receive, send)
