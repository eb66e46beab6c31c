"""Somebody who looks at pages by a browser, watched: what no page may do is written down, and fails the test."""

import gettext
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect
from starlette.types import Receive, Scope, Send

from broker.entry.accounts import Site
from broker.look import language
from broker.web.serving import served

NEUTRAL: Final = "/signed-out"
"""Where quick exit leads in tests: nothing outside this machine is asked."""
OPEN_TO_ANYBODY: Final = frozenset(
    {
        ("GET", "/sign-in"),
        ("GET", "/sign-in/{link}"),
        ("POST", "/sign-in/passkey/options"),
        ("POST", "/sign-in/passkey"),
        ("POST", "/sign-in/first/options"),
        ("POST", "/sign-in/first"),
        ("GET", "/organisation"),
        ("GET", "/organisation/back"),
        ("POST", "/sign-in"),
        ("GET", "/signed-out"),
        ("GET", "/exit"),
        ("GET", "/static/{name}"),
    }
)
"""The routes of coming in and of going: of pages that people sign in at, these alone ask for nobody."""
FROM_HERE: Final = {"sec-fetch-site": "same-origin"}
"""How a browser says that a form is of these pages."""

_PATIENCE_MS: Final = 20_000
"""What a page may take on a busy machine, to be asked for and to show what is expected of it."""
expect.set_options(timeout=_PATIENCE_MS)

_STORAGE: Final = (
    "async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,"
    " (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]"
)


class Watched:
    """A house whose pages are open at `base`. Whoever is one has these attributes."""

    __slots__ = ()

    browser: Browser
    base: str
    urls: list[str]
    wrong: list[str]
    """What no page may do: told by the browser while the test ran."""
    allowed: list[str]
    """Console messages that a test provokes on purpose, by a part of their text."""

    @asynccontextmanager
    async def visitor(self, **options: Any) -> AsyncIterator[Page]:
        """A page of a browser of its own, watched."""
        settings = {"base_url": self.base, "viewport": {"width": 1280, "height": 900}, "locale": "en-US", **options}
        context = await self.browser.new_context(**settings)
        context.set_default_timeout(_PATIENCE_MS)
        page = await context.new_page()
        self._watch(page)
        try:
            yield page
            await self._left_nothing(context, page, scripts=options.get("java_script_enabled", True))
        finally:
            await context.close()

    def may_ask(self, url: str) -> bool:
        """Whether a browser may ask for this: nothing that is not of these pages."""
        return url.startswith(self.base + "/")

    def _watch(self, page: Page) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not any(part in message.text for part in self.allowed):
                self.wrong.append(f"console: {message.text}")

        def request(asked: Request) -> None:
            self.urls.append(asked.url)
            if not self.may_ask(asked.url):
                self.wrong.append(f"foreign request: {asked.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("request", request)

    async def _left_nothing(self, context: BrowserContext, page: Page, *, scripts: bool) -> None:
        if scripts and page.url.startswith(self.base) and any(await page.evaluate(_STORAGE)):
            self.wrong.append("something was left in the browser's storage")
        if {cookie["name"] for cookie in await context.cookies()} - {"session", "entry"}:
            self.wrong.append("a cookie that is neither the session's nor that of coming in")


class Entered(Watched):
    """A house that people sign in at, by a clock that a test may set. Whoever is one has these attributes, too."""

    pages: FastAPI | None
    elsewhere: str | None
    """An origin besides that a browser may ask: that of the organisation's own sign-in."""
    ahead: timedelta

    def application(self) -> FastAPI:
        """The pages, as they are reached at `base`."""
        raise NotImplementedError

    @property
    def site(self) -> Site:
        """How browsers find the pages."""
        return Site(self.base, "Desk")

    def clock(self) -> datetime:
        """The time that the pages believe."""
        return datetime.now(UTC) + self.ahead

    def may_ask(self, url: str) -> bool:
        """The organisation's own sign-in, too, where there is one."""
        beside = self.elsewhere is not None and url.startswith(self.elsewhere + "/")
        return beside or super().may_ask(url)

    def named(self) -> None:
        """From here on it is reached by a name, as browsers demand it for passkeys."""
        self.base = self.base.replace("127.0.0.1", "localhost")
        self.pages = self.application()


House = TypeVar("House", bound=Entered)


@asynccontextmanager
async def open_pages(house: House, setting: str, requests_max: int) -> AsyncIterator[House]:
    """Open the pages at a port of their own; what the browser complained of fails the test at the end."""

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        assert house.pages is not None
        await house.pages(scope, receive, send)

    async with served(pages, "127.0.0.1:0", setting, connections_max=requests_max) as (host, port):
        house.base = f"http://{host}:{port}"
        house.pages = house.application()
        yield house
    assert house.wrong == []


def lacking_in_spanish(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by every sentence that is shown from now on and that the Spanish catalogue does not have."""
    lacking: list[str] = []

    class Telling(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            lacking.append(message)
            return message

        def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
            lacking.append(msgid1)
            return super().ngettext(msgid1, msgid2, n)

    monkeypatch.setattr(language.catalogue("es"), "_fallback", Telling())
    return lacking
