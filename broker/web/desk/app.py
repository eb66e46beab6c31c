"""The desk as a web application: every route says who may see it, and a page that is not one's own is not there."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from broker.entry.application import pages_of
from broker.entry.front import Front
from broker.entry.rendering import front_templates
from broker.look.counts import Counts
from broker.look.words import utc
from broker.look.zone import UTC_ZONE
from broker.schemas.vocabulary import MsgStatus
from broker.web.audit import finding, log, stories, tables
from broker.web.audit.asked import TEMPLATES as AUDIT_TEMPLATES
from broker.web.audit.sheet import exact
from broker.web.desk import overview, owed, quarantine, work
from broker.web.desk.entry import DeskSignIn, desk_entry
from broker.web.desk.problems import EXPECTED, told
from broker.web.desk.sections import sections
from broker.web.desk.waiting import work_waiting
from broker.web.desk.who import Desk

_AUDIT: Final = (finding.router, stories.router, tables.router, log.router)
ROUTERS: Final = (overview.router, work.router, quarantine.router, owed.router, *_AUDIT)

_FOLDERS: Final = (Path(__file__).parent / "templates", AUDIT_TEMPLATES)
_TEMPLATES: Final = front_templates(*_FOLDERS, home="To the overview")
_TEMPLATES.globals["sections"] = sections
_TEMPLATES.filters.update(exact=exact, utc=utc)


def utc_now() -> datetime:
    """The time of this machine's clock, UTC."""
    return datetime.now(UTC)


def desk_pages(
    desk: Desk,
    environment: MsgStatus,
    *,
    origin: str,
    leave_for: str,
    links_allowed: bool = False,
    own_sign_in: DeskSignIn | None = None,
    clock: Callable[[], datetime] = utc_now,
    zone: ZoneInfo = UTC_ZONE,
) -> FastAPI:
    """The desk of this network. See `Front` for what the others mean.

    `origin` is how it is reached (`https://desk.network.example`). In an exercise links may sign somebody in;
    `links_allowed` says so of the actual network, too.
    """
    links_allowed = links_allowed or environment is MsgStatus.EXERCISE
    front = Front(
        environment=environment,
        entry=desk_entry(desk.pool, origin, links_allowed=links_allowed, own=own_sign_in),
        pages=_TEMPLATES,
        counts=Counts(work_waiting(desk.pool)),
        leave_for=leave_for,
        clock=clock,
        admits=lambda account: account.org == desk.broker_org,
        zone=zone,
    )
    app = pages_of(front, ROUTERS, EXPECTED, told)
    app.state.desk = desk
    return app
