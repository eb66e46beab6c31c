"""A network for tests of its pages: what would have happened in it, put into its tables, and its pages at a port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Browser
from starlette.types import Receive, Scope, Send

from broker.agency.sending import Sender
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool
from broker.web.app import WebParts, agencies_door
from broker.web.pages.app import Site
from broker.web.pages.public import Contacts, PublicDesk
from broker.web.serving import served
from broker.web.site import SiteAndDoor
from tests.browsing import Watched

NEUTRAL = "/start"
"""Where quick exit leads in tests: nothing outside this machine is asked."""
NO_LOG = Path("no-log-is-published-here")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(slots=True)
class Network(Watched):
    """The pages of a network, and what its tables hold."""

    browser: Browser
    pool: Pool
    kafka: dict[str, str]
    base: str = ""
    urls: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    app: SiteAndDoor | None = None

    def open(
        self, environment: MsgStatus = MsgStatus.ACTUAL, *, now: datetime = NOW, contacts: Contacts | None = None
    ) -> None:
        """From here on these are the pages that are shown."""
        told = contacts or Contacts("org-broker", None, None)
        site = Site(environment, PublicDesk(self.pool, told, lambda: now), self.base + NEUTRAL)
        sender = Sender(self.kafka)
        parts = WebParts(self.pool, self.kafka, Topics(environment), sender, NO_LOG)
        self.app = SiteAndDoor(site, agencies_door(parts))


@asynccontextmanager
async def open_network(network: Network) -> AsyncIterator[Network]:
    """Open the pages at a port of their own; what the browser complained of fails the test at the end."""

    async def shown(scope: Scope, receive: Receive, send: Send) -> None:
        assert network.app is not None
        await network.app(scope, receive, send)

    async with served(shown, "127.0.0.1:0", "HANDOFF_WEB_ADDRESS") as (host, port):
        network.base = f"http://{host}:{port}"
        network.open()
        yield network
    assert network.wrong == []
