"""What cannot be done at the desk is said on a page, in the words of whoever reads it."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from broker.entry import problems
from broker.entry.front import RoleMayNot, asked
from broker.entry.rendering import notice
from broker.errors import KafkaUnreachable, WorkClaimed, WorkImpossible, WorkNotOpen
from broker.look.language import _
from broker.web.audit import problems as audit
from broker.web.desk.errors import RecordSettled

EXPECTED: Final = (
    RoleMayNot,
    WorkNotOpen,
    WorkClaimed,
    WorkImpossible,
    RecordSettled,
    KafkaUnreachable,
    *audit.EXPECTED,
)


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong; to whoever's role it is not, it is not there."""
    who, above = asked(request), request.url.path.rpartition("/")[0]
    match error:
        case RoleMayNot():
            return problems.missing(who)
        case WorkNotOpen():
            return notice(
                who,
                HTTPStatus.NOT_FOUND,
                _("It is not open any more"),
                _("Somebody has decided it, or there never was such an item. The work list has what is open."),
            )
        case WorkClaimed():
            return notice(
                who,
                HTTPStatus.CONFLICT,
                _("Somebody else has it"),
                _("Nothing was stored. Its page says who has it, and until when."),
                again=above,
            )
        case WorkImpossible():
            return notice(who, HTTPStatus.CONFLICT, _("This has changed meanwhile"), _(error.remedy), again=above)
        case RecordSettled():
            return notice(
                who,
                HTTPStatus.CONFLICT,
                _("Somebody has settled it meanwhile"),
                _("Nothing was stored. Its page says what became of it."),
                again=above,
            )
        case KafkaUnreachable():
            return notice(
                who,
                HTTPStatus.SERVICE_UNAVAILABLE,
                _("Kafka does not answer"),
                _("Nothing was stored. Try again in some seconds."),
                again=above,
            )
    return audit.told(who, error) or problems.told(request, error)
