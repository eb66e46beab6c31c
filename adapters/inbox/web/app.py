"""The pages as a web application: every route says who may see it, and what an organisation sees is its own."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from adapters.inbox.web import ceremonies, desk, entering, handing_over, news, offers
from adapters.inbox.web.counts import Counts
from adapters.inbox.web.entry import OwnSignIn, entry_of
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
    links_allowed: bool = False,
    own_sign_in: OwnSignIn | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The pages of these organisations; `providers` may change meanwhile. See `Desk` for what the others mean.

    `origin` is how they are reached (`https://inbox.haven.example`). In an exercise links may sign somebody in;
    `links_allowed` says so of the actual network, too.
    """
    links_allowed = links_allowed or environment is MsgStatus.EXERCISE
    entry = entry_of(pool, origin, links_allowed=links_allowed, own=own_sign_in)
    made = Desk(pool, providers, environment, entry, Counts(pool), leave_for, clock)
    app = FastAPI(openapi_url=None, redirect_slashes=False, default_response_class=HTMLResponse)
    app.state.desk = made
    for error in EXPECTED:
        app.add_exception_handler(error, told)
    app.add_middleware(Guard, origin=origin, problem=Problems(made))
    # As routes of the application itself, so that whoever walks them sees each.
    for pages in (entering, ceremonies, offers, handing_over, desk, news):
        app.router.routes.extend(pages.router.routes)
    return app
