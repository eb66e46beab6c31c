"""One Chromium per test process; an installation of two providers per test, in the loop that the browser lives in."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from adapters.inbox.inboxes import database as pool_of
from adapters.tables import ZONE
from tests.adapters.courier_desk import HAVEN, CourierDesk
from tests.adapters.pages.chromium import arguments, chromium
from tests.adapters.pages.house import BROOK, House, open_house
from tests.conftest import MakeDatabase, tables_of
from tests.parts import Parts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs in the loop that the browser lives in, unless it names another."""
    for item in items:
        here = Path(__file__).parent in item.path.parents
        named = any("loop_scope" in mark.kwargs for mark in item.iter_markers("asyncio"))
        if here and not named and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=arguments())
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_zone(parts: Parts) -> AsyncIterator[str]:
    """A database with a zone's empty tables, to be copied for each test."""
    async with tables_of(parts, ZONE) as (name, _):
        yield name


@pytest_asyncio.fixture(loop_scope="session")
async def house(make_database: MakeDatabase, empty_zone: str, home: Path, browser: Browser) -> AsyncIterator[House]:
    """Haven and Brook, with their pages open."""
    database = await make_database(template=empty_zone)
    async with pool_of(database.app_dsn) as pool:
        desk = CourierDesk(pool, home / "zones", database.app_dsn)
        desk.serve(HAVEN, BROOK)
        async with open_house(House(desk, browser)) as opened:
            yield opened
