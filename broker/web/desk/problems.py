"""What cannot be done at the desk is said on a page, in the words of whoever reads it."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from broker.entry import problems
from broker.entry.front import RoleMayNot, front_of
from broker.entry.rendering import notice
from broker.look.language import _
from broker.trail.errors import NotInLog
from broker.web.audit.errors import NotFound, TooMuchAsked

EXPECTED: Final = (RoleMayNot, NotFound, TooMuchAsked, NotInLog)


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong; to whoever's role it is not, it is not there."""
    if isinstance(error, RoleMayNot):
        return problems.missing(front_of(request))
    match error:
        case NotFound():
            return problems.missing(front_of(request))
        case TooMuchAsked():
            return notice(
                front_of(request),
                HTTPStatus.SERVICE_UNAVAILABLE,
                _("That takes too long for a page"),
                _("Nothing was shown, and nothing was written down. Ask of fewer days, or by handoff audit."),
            )
        case NotInLog():
            return notice(
                front_of(request),
                HTTPStatus.CONFLICT,
                _("There is no bundle yet"),
                _("The sequencer makes a checkpoint first. Try again in a minute."),
            )
    return problems.told(request, error)
