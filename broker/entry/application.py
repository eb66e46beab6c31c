"""An application that one signs in at: every way in and out, and its own pages beside them."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from broker.entry import entering, news, own_ways, problems
from broker.entry.front import Front, SignedOut, recognise
from broker.look.guard import Guard

Told = Callable[[Request, Exception], Response]
"""The page for what went wrong."""


def pages_of(
    front: Front, routers: Sequence[APIRouter], expected: Sequence[type[Exception]] = (), told: Told = problems.told
) -> FastAPI:
    """The application. `expected` is what can go wrong beside what the kit knows; `told` has a page for all of it."""
    app = FastAPI(openapi_url=None, redirect_slashes=False, default_response_class=HTMLResponse)
    app.state.front = front

    async def handled(request: Request, error: Exception) -> Response:
        if not isinstance(error, SignedOut):
            await recognise(request)
        return told(request, error)

    for error in (*problems.EXPECTED, *expected):
        app.add_exception_handler(error, handled)
    app.add_middleware(Guard, origin=front.entry.site.origin, problem=problems.Problems(front))
    # As routes of the application itself, so that whoever walks them sees each.
    for router in (entering.router, own_ways.router, news.router, *routers):
        app.router.routes.extend(router.routes)
    return app
