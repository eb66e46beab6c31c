"""The pages and the door of one network, on a database with two years of invented referrals."""

import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from broker.local import databases
from broker.sql.bulk import Pool
from broker.store.tables import ZONE
from tests.adapters.pages.conftest import browser as browser
from tests.conftest import tables_of
from tests.parts import Parts
from tests.web.pages.history import HISTORY, founded, happened
from tests.web.pages.network import Network, open_network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs in the loop that the browser lives in."""
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_network(parts: Parts) -> AsyncIterator[databases.ZoneDatabase]:
    """A database with the broker's tables."""
    async with tables_of(parts, ZONE) as (_, made):
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pool(empty_network: databases.ZoneDatabase) -> AsyncIterator[Pool]:
    """A network that has been at work for two years."""
    async with asyncpg.create_pool(empty_network.app_dsn) as opened:
        await founded(opened, datetime(2025, 1, 10, tzinfo=UTC))
        await happened(opened, HISTORY)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def network(pool: Pool, browser: Browser, parts: Parts) -> AsyncIterator[Network]:
    """Its pages, open."""
    async with open_network(Network(browser, pool, {"bootstrap_servers": parts.kafka_bootstrap})) as opened:
        yield opened
