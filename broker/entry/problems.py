"""What cannot be done at any application's pages is said on a page, in the words of whoever reads it.

Never by a code alone, never with a value.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from broker.entry.errors import EntryError, OpenIdAway
from broker.entry.forms import FormInvalid
from broker.entry.front import Asked, Front, NobodyListens, SignedOut, Somebody, asked
from broker.entry.rendering import notice
from broker.look.language import _, preferred, speak

EXPECTED: Final = (SignedOut, FormInvalid, EntryError, RequestValidationError, HTTPException)
"""What `told` has a page for."""

_NOT_LET_IN: Final[Mapping[type[EntryError], HTTPStatus]] = {OpenIdAway: HTTPStatus.BAD_GATEWAY}
"""Whose fault it is that nobody comes in; in every other case that of what was sent."""


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong."""
    who = asked(request)
    match error:
        case NobodyListens():
            return Response(status_code=HTTPStatus.NO_CONTENT)  # With this a browser asks no more.
        case SignedOut():
            return RedirectResponse("/signed-out", HTTPStatus.SEE_OTHER)
        case FormInvalid():
            return notice(
                who,
                HTTPStatus.BAD_REQUEST,
                _("Nothing was stored"),
                _("Something was not filled in. Go back, choose one of the answers, and send it again."),
            )
        case EntryError():
            status = _NOT_LET_IN.get(type(error), HTTPStatus.FORBIDDEN)
            return notice(who, status, _("Nobody was signed in"), _(str(error)), _(error.remedy), back=False)
        case RequestValidationError():
            return notice(who, HTTPStatus.BAD_REQUEST, _("This is not done here"))
    if getattr(error, "status_code", 0) == HTTPStatus.NOT_FOUND:
        return missing(who)
    return notice(who, HTTPStatus.METHOD_NOT_ALLOWED, _("This is not done here"))


def missing(who: Asked | Somebody) -> Response:
    """What is not there, or not for whoever asks: both are said alike."""
    return notice(who, HTTPStatus.NOT_FOUND, _("There is no such page here"), _("Look for it in your list."))


class Problems:
    """The pages for what fails before or behind the routes."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def __call__(self, scope: Scope, status: int) -> Response:
        """The page for this status."""
        request = Request(scope)
        who = Asked(self._front, asked(request).session)
        speak(who.session.language if who.session else preferred(request.headers.get("accept-language", "")))
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
        return notice(who, HTTPStatus(status), title, sentence)
