"""What the providers' door says of its refusals, by code (`broker.web.problems`)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from adapters.errors import AnswerNotPossible, NothingToOpen, OfferNotFound
from broker.schemas.refusal import Advice, RefusalCode, Refused
from broker.web.problems import Problem, Wording


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
    NOTHING_TO_CHECK = "NOTHING_TO_CHECK"
    ZONE_AWAY = "ZONE_AWAY"
    ZONE_FAULT = "ZONE_FAULT"


_ADVICE: Final[Mapping[StrEnum, Advice]] = {
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
    DoorCode.NOTHING_TO_CHECK: Advice(
        "No names for a conflict check are here, or they were handed out before.",
        "They are handed out once. Where the check is still to be made, ask the worker that the offer names.",
    ),
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
    DoorCode.NOTHING_TO_CHECK: 409,
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

WORDING: Final = Wording(_ADVICE, _STATUS, away=DoorCode.ZONE_AWAY, fault=DoorCode.ZONE_FAULT)


def told(_: Request, error: Exception) -> JSONResponse:
    """What an exception is to whoever asked."""
    match error:
        case Problem(code=code, field=field, headers=headers):
            return WORDING.answer(code, field, **headers)
        case Refused(code=refusal, field=field):
            return WORDING.answer(refusal, field)
        case AnswerNotPossible(code=refusal):
            return WORDING.answer(refusal)
        case NothingToOpen():
            return WORDING.answer(DoorCode.NOTHING_TO_CHECK)
        case OfferNotFound():
            return WORDING.answer(RefusalCode.OFFER_UNKNOWN)
        case HTTPException(status_code=404):
            return WORDING.answer(DoorCode.PATH_UNKNOWN)
        case HTTPException(status_code=405, headers=allowed):
            return WORDING.answer(DoorCode.METHOD_NOT_ALLOWED, **dict(allowed or {}))
    return WORDING.answer(DoorCode.REQUEST_INVALID)


EXPECTED: Final = (Problem, Refused, AnswerNotPossible, NothingToOpen, OfferNotFound, HTTPException)
