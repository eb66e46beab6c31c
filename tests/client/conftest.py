"""A county of the test's own, with the real broker where a test asks for it."""

from collections.abc import AsyncIterator

import pytest

from broker.settings import Settings
from tests.client.county import County, found


@pytest.fixture
async def county(settings: Settings) -> County:
    """Organisations, keys, topics and zones; nobody works there yet."""
    return await found(settings)


@pytest.fixture
async def served(county: County) -> AsyncIterator[County]:
    """The county with its broker at work."""
    async with county.broker():
        yield county
