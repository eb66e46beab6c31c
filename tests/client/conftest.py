"""A county of the test's own, with the real broker where a test asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.settings import Settings, load_settings
from tests.client.county import County, found, found_without_broker
from tests.conftest import KafkaForTest


@pytest.fixture
async def county(kafka: KafkaForTest, home: Path) -> County:
    """Agencies with keys, topics and zones, and what they know of the network; nobody listens to them."""
    settings = load_settings(home=home, kafka_bootstrap=kafka.bootstrap, topic_prefix=kafka.prefix, _env_file=None)
    return await found_without_broker(settings)


@pytest.fixture
async def whole_county(settings: Settings) -> County:
    """Organisations, keys, topics, zones and the broker's database; its broker can be started."""
    return await found(settings)


@pytest.fixture
async def served(whole_county: County) -> AsyncIterator[County]:
    """The county with its broker at work."""
    async with whole_county.broker():
        yield whole_county
