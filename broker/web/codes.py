"""What the door for agencies says of its refusals, by code; the contract's own codes keep their own words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from broker.agency.errors import NotConfirmed, NotOnboarded
from broker.errors import KafkaUnreachable
from broker.schemas.refusal import Advice, RefusalCode, Refused
from broker.web.problems import Problem, Wording

_ROUTES: Final = "Use POST /events, GET /events/{id}, GET /notices or GET /log/…; see docs/quickstart-http.md."
_SAME_BYTES: Final = "Send the same bytes again in some seconds: an event takes effect once."


class WebCode(StrEnum):
    """What is wrong with a request, or with us, before it is a question of the event."""

    PATH_UNKNOWN = "PATH_UNKNOWN"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    REQUEST_INVALID = "REQUEST_INVALID"
    HEADER_INVALID = "HEADER_INVALID"
    SIGNATURE_STALE = "SIGNATURE_STALE"
    CONTENT_UNSUPPORTED = "CONTENT_UNSUPPORTED"
    CURSOR_INVALID = "CURSOR_INVALID"
    WAIT_INVALID = "WAIT_INVALID"
    EVENT_UNKNOWN = "EVENT_UNKNOWN"
    LOG_ENTRY_UNKNOWN = "LOG_ENTRY_UNKNOWN"
    TOO_SLOW = "TOO_SLOW"
    RATE_LIMITED = "RATE_LIMITED"
    BUSY = "BUSY"
    NOT_CONFIRMED = "NOT_CONFIRMED"
    BROKER_AWAY = "BROKER_AWAY"
    DOOR_FAULT = "DOOR_FAULT"


_ADVICE: Final[Mapping[StrEnum, Advice]] = {
    WebCode.PATH_UNKNOWN: Advice("There is nothing here.", _ROUTES),
    WebCode.METHOD_NOT_ALLOWED: Advice("This is not done here.", _ROUTES),
    WebCode.REQUEST_INVALID: Advice("The request cannot be read.", _ROUTES),
    WebCode.HEADER_INVALID: Advice(
        "A header occurs twice or has another shape.", "Send it once; wh-timestamp is in whole seconds since 1970."
    ),
    WebCode.SIGNATURE_STALE: Advice(
        "The request was signed too long ago, or in the future.", "Sign anew with the time of now; check your clock."
    ),
    WebCode.CONTENT_UNSUPPORTED: Advice("The body is compressed.", "Send it without content-encoding."),
    WebCode.CURSOR_INVALID: Advice(
        "No page of your notices ends there.",
        "Give `after` the `next` of the page before, or leave it out to begin anew.",
    ),
    WebCode.WAIT_INVALID: Advice("So long cannot be waited.", "Give `wait` as whole seconds, 0 to 20."),
    WebCode.EVENT_UNKNOWN: Advice(
        "Nothing is known here of such an event of yours.",
        "If you have just got a 202 for it, ask again in a second; else publish it.",
    ),
    WebCode.LOG_ENTRY_UNKNOWN: Advice(
        "The published log has no such entry, tile or size.",
        "Ask for what GET /log/checkpoint says is there; new entries are published within ten seconds.",
    ),
    WebCode.TOO_SLOW: Advice("The body did not arrive in time.", _SAME_BYTES),
    WebCode.RATE_LIMITED: Advice(
        "Too many requests of your organisation, or for the log.",
        "Wait as retry-after says, then send the same bytes again.",
    ),
    WebCode.BUSY: Advice("Too much is asked at this moment.", _SAME_BYTES),
    WebCode.NOT_CONFIRMED: Advice("Kafka has not confirmed the event; it may have arrived or not.", _SAME_BYTES),
    WebCode.BROKER_AWAY: Advice("This cannot be told at this moment.", "Ask again in some seconds."),
    WebCode.DOOR_FAULT: Advice(
        "The door failed; that is not your fault.",
        "Send the same bytes again; if it stays so, call the network's operator, and the provider if it is urgent.",
    ),
}

_STATUS: Final[Mapping[StrEnum, int]] = {
    WebCode.PATH_UNKNOWN: 404,
    WebCode.METHOD_NOT_ALLOWED: 405,
    WebCode.SIGNATURE_STALE: 401,
    WebCode.CONTENT_UNSUPPORTED: 415,
    WebCode.EVENT_UNKNOWN: 404,
    WebCode.LOG_ENTRY_UNKNOWN: 404,
    WebCode.TOO_SLOW: 408,
    WebCode.RATE_LIMITED: 429,
    WebCode.BUSY: 503,
    WebCode.NOT_CONFIRMED: 503,
    WebCode.BROKER_AWAY: 503,
    WebCode.DOOR_FAULT: 500,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.SIGNATURE_MISSING: 401,
    RefusalCode.SIGNATURE_INVALID: 401,
    RefusalCode.KEY_UNKNOWN: 401,
    RefusalCode.SOURCE_UNKNOWN: 403,
    RefusalCode.TYPE_NOT_YOURS: 403,
}
"""Every other code is a 400: the event has another shape than it must have."""

WORDING: Final = Wording(_ADVICE, _STATUS, away=WebCode.BROKER_AWAY, fault=WebCode.DOOR_FAULT)

EXPECTED: Final = (Problem, Refused, NotConfirmed, NotOnboarded, KafkaUnreachable, HTTPException)


def told(_: Request, error: Exception) -> JSONResponse:
    """What an exception is to whoever asked."""
    match error:
        case Problem(code=code, field=field, headers=headers):
            return WORDING.answer(code, field, **headers)
        case Refused(code=refusal, field=field):
            return WORDING.answer(refusal, field)
        case NotConfirmed() | NotOnboarded():
            return WORDING.answer(WebCode.NOT_CONFIRMED)
        case KafkaUnreachable():
            return WORDING.answer(WebCode.BROKER_AWAY)
        case HTTPException(status_code=404):
            return WORDING.answer(WebCode.PATH_UNKNOWN)
        case HTTPException(status_code=405, headers=allowed):
            return WORDING.answer(WebCode.METHOD_NOT_ALLOWED, **dict(allowed or {}))
    return WORDING.answer(WebCode.REQUEST_INVALID)
