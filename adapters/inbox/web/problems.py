"""What cannot be done with an offer is said on a page, in the words of whoever reads it."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from adapters.errors import (
    AnswerNotPossible,
    ContactNotAgreed,
    KeysNotHere,
    NotAnAgreedHour,
    NothingToOpen,
    OfferNotFound,
)
from broker.entry import problems
from broker.entry.front import RoleMayNot, asked
from broker.entry.rendering import notice
from broker.look.language import _

EXPECTED: Final = (RoleMayNot, OfferNotFound, AnswerNotPossible, NothingToOpen)


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong."""
    who = asked(request)
    match error:
        case RoleMayNot():
            return notice(
                who,
                HTTPStatus.FORBIDDEN,
                _("Your role does not do this"),
                _("Ask a colleague who answers offers, or a supervisor."),
            )
        case NotAnAgreedHour():
            return notice(who, HTTPStatus.CONFLICT, _("Not at this hour"), _(str(error)), _(error.remedy or ""))
        case ContactNotAgreed():
            return notice(who, HTTPStatus.CONFLICT, _("Make no contact"), _(str(error)), _(error.remedy or ""))
        case AnswerNotPossible():
            return notice(
                who, HTTPStatus.CONFLICT, _("This offer has changed meanwhile"), _(str(error)), _(error.remedy or "")
            )
        case KeysNotHere():
            return notice(who, HTTPStatus.CONFLICT, _("It cannot be opened yet"), _(error.remedy or ""))
        case NothingToOpen():
            return notice(
                who,
                HTTPStatus.GONE,
                _("There is nothing to open"),
                _("What was released to you has ended, or was taken back. Do not use what was read of it."),
            )
        case OfferNotFound():
            return problems.missing(who)
    return problems.told(request, error)
