"""A network's office: a database of its own for each test, its desk open, in the loop that the browser lives in."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from broker.local.databases import ZoneDatabase
from broker.settings import load_settings
from broker.store.tables import ZONE
from tests.adapters.pages.conftest import browser as browser
from tests.broker.county import County
from tests.conftest import MakeDatabase, tables_of
from tests.parts import Parts
from tests.web.desk.office import Office, desk_of, open_office


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs in the loop that the browser lives in."""
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def broker_tables(parts: Parts) -> AsyncIterator[str]:
    """A database with the broker's empty tables, to be copied for each test."""
    async with tables_of(parts, ZONE) as (name, _):
        yield name


@pytest_asyncio.fixture(loop_scope="session")
async def office_database(make_database: MakeDatabase, broker_tables: str) -> ZoneDatabase:
    """The office's database, as its everyday role finds it."""
    return await make_database(template=broker_tables)


@pytest_asyncio.fixture(loop_scope="session")
async def office(
    office_database: ZoneDatabase, parts: Parts, tmp_path: Path, browser: Browser
) -> AsyncIterator[Office]:
    """A desk where nothing has happened yet, open."""
    settings = load_settings(home=tmp_path / "home", kafka_bootstrap=parts.kafka_bootstrap, _env_file=None)
    async with (
        asyncpg.create_pool(office_database.app_dsn, min_size=1, max_size=4) as pool,
        open_office(Office(desk_of(pool, settings), browser)) as opened,
    ):
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def county_office(served: County, browser: Browser) -> AsyncIterator[Office]:
    """The desk of a county with its broker at work, open."""
    async with open_office(Office(desk_of(served.pool, served.settings), browser)) as opened:
        yield opened
