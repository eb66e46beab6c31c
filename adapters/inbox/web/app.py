"""The pages as a web application: every route says who may see it, and what an organisation sees is its own."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from adapters.inbox.web import entering, offers
from adapters.inbox.web.problems import EXPECTED, Problems, told
from adapters.inbox.web.who import Desk
from adapters.provider import Provider
from broker.look.guard import Guard
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool


def utc_now() -> datetime:
    """The time of this machine's clock, UTC."""
    return datetime.now(UTC)


def inbox_pages(
    pool: Pool,
    providers: Mapping[OrgId, Provider],
    environment: MsgStatus,
    *,
    origin: str,
    leave_for: str,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The pages of these organisations; `providers` may change meanwhile. See `Desk` for what the others mean."""
    desk = Desk(pool, providers, environment, origin, leave_for, clock)
    app = FastAPI(openapi_url=None, redirect_slashes=False, default_response_class=HTMLResponse)
    app.state.desk = desk
    for error in EXPECTED:
        app.add_exception_handler(error, told)
    app.add_middleware(Guard, origin=origin, problem=Problems(desk))
    # As routes of the application itself, so that whoever walks them sees each.
    for router in (entering.router, offers.router):
        app.router.routes.extend(router.routes)
    return app
