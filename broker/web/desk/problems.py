"""What cannot be done at the desk is said on a page, in the words of whoever reads it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from broker.entry import problems
from broker.entry.front import RoleMayNot, front_of

EXPECTED: Final = (RoleMayNot,)


def told(request: Request, error: Exception) -> Response:
    """The page for what went wrong; to whoever's role it is not, it is not there."""
    if isinstance(error, RoleMayNot):
        return problems.missing(front_of(request))
    return problems.told(request, error)
