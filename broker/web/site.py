"""Door and pages at one address: whatever is a page is shown to everybody, and everything else is the door's.

Pages have their own headers, their own words for what fails, and their own bound: who reads keeps no agency out.
"""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from broker import limits
from broker.look.guard import Guard
from broker.look.language import _
from broker.look.speaking import Speaking
from broker.web.pages.app import Site, network_pages
from broker.web.pages.rendering import rendered
from broker.web.rates import AtOnce


class SiteAndDoor:
    """Gives each request to the one or the other."""

    def __init__(self, site: Site, door: ASGIApp) -> None:
        pages = network_pages(site)
        pages.add_exception_handler(HTTPException, _missing)
        self._routes = pages.router.routes
        self._pages = Speaking(AtOnce(Guard(pages, "", _failed), limits.page_requests_max))
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._pages if self._page(scope) else self._door)(scope, receive, send)

    def _page(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)


def _missing(request: Request, _error: Exception) -> Response:
    return _notice(request, HTTPStatus.NOT_FOUND)


def _failed(scope: Scope, status: int) -> Response:
    return _notice(Request(scope), HTTPStatus(status))


def _notice(request: Request, status: HTTPStatus) -> Response:
    told = {
        HTTPStatus.NOT_FOUND: _("There is no such page here"),
        HTTPStatus.SERVICE_UNAVAILABLE: _("This cannot be shown at this moment. Try again in a minute."),
    }
    title = told.get(status, _("Something failed here"))
    return rendered(request, "notice.html", practice=False, status=status, title=title)
