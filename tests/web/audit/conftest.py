"""A network's office with a trail to audit: sealed and published once, copied for each test that reads it."""

import inspect
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from broker import limits
from broker.local import databases
from broker.settings import load_settings
from broker.sql.migrate import migrate
from broker.store.tables import ZONE
from broker.trail.proofs import PublishedLog
from tests.adapters.pages.conftest import browser as browser
from tests.parts import Parts
from tests.trail.conftest import Trail, trail_in
from tests.web.audit.told import Told, tell
from tests.web.desk.office import Office, desk_of, open_office

BEGAN_HOURS_AGO = 10


@dataclass(frozen=True, slots=True)
class Sealed:
    """What every test's copy is made from: a database without connections, and the folders of its log."""

    database: str
    home: Path
    told: Told


@dataclass(slots=True)
class Audited:
    """An office whose trail a test may read, and alter as only a superuser can."""

    office: Office
    told: Told
    trail: Trail


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here runs in the loop that the browser lives in."""
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def sealed(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sealed]:
    """Stories that were told, and sealed in two checkpoints."""
    name, home = f"t_{secrets.token_hex(6)}", tmp_path_factory.mktemp("audited")
    made = await databases.make_database(parts.superuser_dsn, name, sequencer=True)
    await migrate(made.owner_dsn, ZONE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "checkpoint_seconds", 0)
        patch.setattr(os, "fsync", lambda _: None)
        async with trail_in(made, parts, home) as trail:
            await trail.seal(5)
            told = await tell(trail.connection, datetime.now(UTC) - timedelta(hours=BEGAN_HOURS_AGO))
            await trail.seal()
    yield Sealed(name, home, told)
    await databases.drop_database(parts.superuser_dsn, name)


@asynccontextmanager
async def _open(sealed: Sealed, parts: Parts, home: Path, browser: Browser) -> AsyncIterator[Audited]:
    """A copy of what is sealed, with its office open."""
    shutil.copytree(sealed.home, home)
    name = f"t_{secrets.token_hex(6)}"
    made = await databases.make_database(parts.superuser_dsn, name, template=sealed.database, sequencer=True)
    superuser = urlsplit(parts.superuser_dsn)._replace(path=f"/{name}").geturl()
    async with asyncpg.create_pool(made.app_dsn, min_size=1, max_size=4) as pool:
        settings = load_settings(home=home, kafka_bootstrap=parts.kafka_bootstrap, _env_file=None)
        office = Office(replace(desk_of(pool, settings), log=PublishedLog(settings.log)), browser)
        async with open_office(office), pool.acquire() as held:
            connection: Any = held
            yield Audited(office, sealed.told, Trail(made, superuser, home, connection))
    await databases.drop_database(parts.superuser_dsn, name)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def read_by_all(
    sealed: Sealed, parts: Parts, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[Audited]:
    """The office that every test shares which only asks."""
    async with _open(sealed, parts, tmp_path_factory.mktemp("read") / "home", browser) as opened:
        yield opened


@pytest.fixture
def audited(read_by_all: Audited) -> Iterator[Audited]:
    """The shared office: what a browser complains of fails the test in which it does."""
    office = read_by_all.office
    for kept in (office.allowed, office.urls, office.wrong):
        kept.clear()
    yield read_by_all
    assert office.wrong == []


@pytest_asyncio.fixture(loop_scope="session")
async def tampered(sealed: Sealed, parts: Parts, tmp_path: Path, browser: Browser) -> AsyncIterator[Audited]:
    """An office of the test's own, whose trail it may alter."""
    async with _open(sealed, parts, tmp_path / "own", browser) as opened:
        yield opened
