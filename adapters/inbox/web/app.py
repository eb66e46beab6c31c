"""The pages as a web application: every route says who may see it, and what an organisation sees is its own."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from adapters.inbox.web import desk, handing_over, offers
from adapters.inbox.web.entry import StaffSignIn, staff_entry
from adapters.inbox.web.problems import EXPECTED, told
from adapters.inbox.web.waiting import offers_waiting
from adapters.inbox.web.who import Desk
from adapters.provider import Provider
from broker.entry.application import pages_of
from broker.entry.front import Front
from broker.entry.rendering import front_templates
from broker.look.counts import Counts
from broker.look.zone import UTC_ZONE
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool

_TEMPLATES: Final = front_templates(Path(__file__).parent / "templates", home="To the list")


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
    own_sign_in: StaffSignIn | None = None,
    clock: Callable[[], datetime] = utc_now,
    zone: ZoneInfo = UTC_ZONE,
) -> FastAPI:
    """The pages of these organisations; `providers` may change meanwhile. See `Front` for what the others mean.

    `origin` is how they are reached (`https://inbox.haven.example`). In an exercise links may sign somebody in;
    `links_allowed` says so of the actual network, too.
    """
    links_allowed = links_allowed or environment is MsgStatus.EXERCISE
    front = Front(
        environment=environment,
        entry=staff_entry(pool, origin, links_allowed=links_allowed, own=own_sign_in),
        pages=_TEMPLATES,
        counts=Counts(offers_waiting(pool)),
        leave_for=leave_for,
        clock=clock,
        admits=lambda account: account.org in providers,
        zone=zone,
    )
    app = pages_of(front, (offers.router, handing_over.router, desk.router), EXPECTED, told)
    app.state.desk = Desk(pool, providers)
    return app
