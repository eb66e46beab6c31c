"""What an auditor's page cannot show is said on a page, in the words of whoever reads it."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from broker.entry import problems
from broker.entry.front import Asked
from broker.entry.rendering import notice
from broker.look.language import _
from broker.trail.errors import NotInLog
from broker.web.audit.errors import NotFound, TooMuchAsked

EXPECTED: Final = (NotFound, TooMuchAsked, NotInLog)


def told(who: Asked, error: Exception) -> Response | None:
    """The page for one of these; None for any other."""
    match error:
        case NotFound():
            return problems.missing(who)
        case TooMuchAsked():
            return notice(
                who,
                HTTPStatus.SERVICE_UNAVAILABLE,
                _("That takes too long for a page"),
                _("Nothing was shown, and nothing was written down. Ask of fewer days, or by handoff audit."),
            )
        case NotInLog():
            return notice(
                who,
                HTTPStatus.CONFLICT,
                _("There is no bundle yet"),
                _("The sequencer makes a checkpoint first. Try again in a minute."),
            )
    return None
