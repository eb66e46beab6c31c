"""A county with both zones' databases, whose processes are up to the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from broker.settings import Settings
from tests.broker.county import County, county
from tests.conftest import MakeDatabase


@pytest.fixture
async def two_zones(settings: Settings, make_database: MakeDatabase, home: Path) -> Settings:
    """Settings with a database for each zone, and neither knows the other's."""
    provider = await make_database()
    return settings.model_copy(
        update={
            "provider_postgres_dsn": SecretStr(provider.app_dsn),
            "provider_postgres_owner_dsn": SecretStr(provider.owner_dsn),
        }
    )


@pytest.fixture
async def founded(two_zones: Settings) -> AsyncIterator[County]:
    """The county."""
    async with county(two_zones) as made:
        yield made
