"""A network's office for tests: its desk open at a port, what waits in its tables, people who look by a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import FastAPI
from playwright.async_api import Browser, Page
from starlette.types import Receive, Scope, Send

from broker import limits
from broker.entry.accounts import Site
from broker.entry.links import LinkPurpose
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool
from broker.web.desk.app import desk_pages
from broker.web.desk.entry import DeskSignIn, desk_links
from broker.web.desk.roles import DeskRole
from broker.web.desk.who import Desk
from broker.web.serving import served
from tests.browsing import Watched

BROKER: Final = OrgId("org-broker")
NEUTRAL: Final = "/signed-out"
"""Where quick exit leads in tests: nothing outside this machine is asked."""


@dataclass(slots=True)
class Office(Watched):
    """A desk whose pages are open, and a clock that a test may set."""

    desk: Desk
    browser: Browser
    environment: MsgStatus = MsgStatus.ACTUAL
    base: str = ""
    own_sign_in: DeskSignIn | None = None
    elsewhere: str | None = None
    """An origin besides that a browser may ask: that of the operator's own sign-in."""
    pages: FastAPI | None = None
    ahead: timedelta = timedelta(0)
    urls: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    @property
    def pool(self) -> Pool:
        """The broker's database."""
        return self.desk.pool

    @property
    def site(self) -> Site:
        """How browsers find the pages."""
        return Site(self.base, "Desk")

    def clock(self) -> datetime:
        """The time that the pages believe."""
        return datetime.now(UTC) + self.ahead

    def may_ask(self, url: str) -> bool:
        """The operator's own sign-in, too, where there is one."""
        beside = self.elsewhere is not None and url.startswith(self.elsewhere + "/")
        return beside or Watched.may_ask(self, url)

    def named(self) -> None:
        """From here on it is reached by a name, as browsers demand it for passkeys."""
        self.base = self.base.replace("127.0.0.1", "localhost")
        self.pages = self.application()

    def practise(self) -> None:
        """From here on this is the network of exercises."""
        self.environment = MsgStatus.EXERCISE
        self.pages = self.application()

    def application(self) -> FastAPI:
        """The pages, as they are reached at this port."""
        return desk_pages(
            self.desk,
            self.environment,
            origin=self.base,
            leave_for=self.base + NEUTRAL,
            links_allowed=True,
            own_sign_in=self.own_sign_in,
            clock=self.clock,
        )

    async def link(self, role: DeskRole, purpose: LinkPurpose = LinkPurpose.SIGN_IN) -> str:
        """A path by which somebody comes in once."""
        links = desk_links(self.pool, allowed=True)
        return f"/sign-in/{await links.make(self.desk.broker_org, role, purpose, self.clock())}"

    @asynccontextmanager
    async def person(self, role: DeskRole, **options: Any) -> AsyncIterator[Page]:
        """Somebody who has just signed in, and sees where they arrive."""
        async with self.visitor(**options) as page:
            await page.goto(await self.link(role))
            await page.locator("main form button").click()
            await page.wait_for_url(self.base + "/")
            yield page


@asynccontextmanager
async def open_office(office: Office) -> AsyncIterator[Office]:
    """Open the pages at a port of their own; what the browser complained of fails the test at the end."""

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        assert office.pages is not None
        await office.pages(scope, receive, send)

    at_once = limits.desk_requests_max
    async with served(pages, "127.0.0.1:0", "HANDOFF_DESK_ADDRESS", connections_max=at_once) as (host, port):
        office.base = f"http://{host}:{port}"
        office.pages = office.application()
        yield office
    assert office.wrong == []
