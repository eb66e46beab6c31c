"""One county with its broker at work for all stories of a worker; tests keep apart by referrals of their own."""

import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from broker.local import databases
from broker.settings import Settings, load_settings
from tests.broker.county import County, county
from tests.broker.threads import broker_in_a_thread
from tests.conftest import KafkaForTest
from tests.parts import Parts


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(parts: Parts) -> AsyncIterator[County]:
    """A county with its broker at work: intake, relay and clock, in a thread of this process."""
    kafka = KafkaForTest(parts.kafka_bootstrap, f"t-{secrets.token_hex(4)}.")
    name = f"t_{secrets.token_hex(6)}"
    database = await databases.make_database(parts.superuser_dsn, name, sequencer=True)
    with tempfile.TemporaryDirectory(prefix="warm-handoff-county-") as folder:
        settings = load_settings(
            home=Path(folder) / "home",
            kafka_bootstrap=kafka.bootstrap,
            postgres_dsn=SecretStr(database.app_dsn),
            postgres_owner_dsn=SecretStr(database.owner_dsn),
            postgres_sequencer_dsn=SecretStr(database.sequencer_dsn or ""),
            topic_prefix=kafka.prefix,
            _env_file=None,
        )
        async with county(settings) as founded, broker_in_a_thread(settings):
            yield founded
    await kafka.clear()
    await databases.drop_database(parts.superuser_dsn, name)


@pytest.fixture
async def own_county(settings: Settings) -> AsyncIterator[County]:
    """A county of the test's own, whose broker works only where the test says so."""
    async with county(settings) as founded:
        yield founded
