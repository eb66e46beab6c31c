"""A provider installation per test, with its own database, folders and topics."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.inbox.inboxes import database as pool_of
from adapters.tables import ZONE
from broker.local.databases import ZoneDatabase
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus
from broker.sql.migrate import migrate
from tests.adapters.network import Installation, Voice
from tests.conftest import KafkaForTest


@pytest.fixture
async def installation(kafka: KafkaForTest, database: ZoneDatabase, home: Path) -> AsyncIterator[Installation]:
    """An installation that answers for nobody yet."""
    await migrate(database.owner_dsn, ZONE)
    voice = Voice({"bootstrap_servers": kafka.bootstrap}, Topics(MsgStatus.ACTUAL, kafka.prefix))
    async with pool_of(database.app_dsn) as pool:
        yield Installation(voice, home / "zones", pool, database.app_dsn, kafka.create_topics)
