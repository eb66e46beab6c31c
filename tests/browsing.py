"""Somebody who looks at pages by a browser, watched: what no page may do is written down, and fails the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

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
