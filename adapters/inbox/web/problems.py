"""What cannot be done is said on a page, in the words of whoever reads it: never a code alone, never a value."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from adapters.errors import AnswerNotPossible, KeysNotHere, NotAnAgreedHour, NothingToOpen, OfferNotFound
from adapters.inbox.web.forms import FormInvalid
from adapters.inbox.web.rendering import notice
from adapters.inbox.web.who import Desk, NobodyListens, RoleMayNot, SignedOut, desk_of
from broker.entry.errors import EntryError, OpenIdAway
from broker.look.language import _, preferred, speak

EXPECTED: Final = (
    SignedOut,
    RoleMayNot,
    FormInvalid,
    OfferNotFound,
    AnswerNotPossible,
    NothingToOpen,
    EntryError,
    RequestValidationError,
    HTTPException,
)

_NOT_LET_IN: Final[Mapping[type[EntryError], HTTPStatus]] = {OpenIdAway: HTTPStatus.BAD_GATEWAY}
"""Whose fault it is that nobody comes in; in every other case that of what was sent."""


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong."""
    desk = desk_of(request)
    match error:
        case NobodyListens():
            return Response(status_code=HTTPStatus.NO_CONTENT)  # With this a browser asks no more.
        case SignedOut():
            return RedirectResponse("/signed-out", HTTPStatus.SEE_OTHER)
        case RoleMayNot():
            return notice(
                desk,
                HTTPStatus.FORBIDDEN,
                _("Your role does not do this"),
                _("Ask a colleague who answers offers, or a supervisor."),
            )
        case FormInvalid():
            return notice(
                desk,
                HTTPStatus.BAD_REQUEST,
                _("Nothing was stored"),
                _("Something was not filled in. Go back, choose one of the answers, and send it again."),
            )
        case NotAnAgreedHour():
            return notice(desk, HTTPStatus.CONFLICT, _("Not at this hour"), _(str(error)), _(error.remedy))
        case AnswerNotPossible():
            return notice(
                desk, HTTPStatus.CONFLICT, _("This offer has changed meanwhile"), _(str(error)), _(error.remedy or "")
            )
        case KeysNotHere():
            return notice(desk, HTTPStatus.CONFLICT, _("It cannot be opened yet"), _(error.remedy or ""))
        case NothingToOpen():
            return notice(
                desk,
                HTTPStatus.GONE,
                _("There is nothing to open"),
                _("What was released to you has ended, or was taken back. Do not use what was read of it."),
            )
        case EntryError():
            status = _NOT_LET_IN.get(type(error), HTTPStatus.FORBIDDEN)
            return notice(desk, status, _("Nobody was signed in"), _(str(error)), _(error.remedy), back=False)
        case HTTPException():
            # Where no page answers, nobody has asked for the reader's language yet.
            speak(preferred(request.headers.get("accept-language", "")))
        case RequestValidationError():
            return notice(desk, HTTPStatus.BAD_REQUEST, _("This is not done here"))
    if isinstance(error, OfferNotFound) or getattr(error, "status_code", 0) == HTTPStatus.NOT_FOUND:
        return notice(desk, HTTPStatus.NOT_FOUND, _("There is no such page here"), _("Look for it in your list."))
    return notice(desk, HTTPStatus.METHOD_NOT_ALLOWED, _("This is not done here"))


class Problems:
    """The pages for what fails before or behind the routes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, scope: Scope, status: int) -> Response:
        """The page for this status."""
        speak(preferred(Request(scope).headers.get("accept-language", "")))
        sentences = {
            403: (
                _("Nothing was stored"),
                _("This did not come from one of these pages. Open your list; try again."),
            ),
            503: (_("Nothing can be stored at this moment"), _("Try again in some seconds. In a hurry, call.")),
        }
        title, sentence = sentences.get(
            status, (_("Something failed here"), _("It is not your fault. Try again; in a hurry, call."))
        )
        return notice(self._desk, HTTPStatus(status), title, sentence)
