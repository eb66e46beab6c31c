"""A provider installation per test, with its own database, folders and topics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.commands import inbox_app
from adapters.inbox.inboxes import Inboxes, open_inboxes
from adapters.inbox.inboxes import database as pool_of
from adapters.tables import ZONE
from broker.local.databases import ZoneDatabase
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus
from broker.sql.migrate import migrate
from tests.adapters.courier_desk import HAVEN, CourierDesk
from tests.adapters.network import Installation, Run, Voice
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.conftest import KafkaForTest


@pytest.fixture
async def installation(kafka: KafkaForTest, database: ZoneDatabase, home: Path) -> AsyncIterator[Installation]:
    """An installation that answers for nobody yet."""
    await migrate(database.owner_dsn, ZONE)
    voice = Voice({"bootstrap_servers": kafka.bootstrap}, Topics(MsgStatus.ACTUAL, kafka.prefix))
    async with pool_of(database.app_dsn) as pool:
        yield Installation(voice, home / "zones", pool, database.app_dsn, kafka.create_topics)


@pytest.fixture
def run(installation: Installation) -> Run:
    """Runs one command on the installation, in a thread, as a process of its own would."""

    @asynccontextmanager
    async def inboxes() -> AsyncIterator[Inboxes]:
        environment = installation.voice.topics.environment
        async with open_inboxes(installation.dsn, installation.zones, environment) as opened:
            yield opened

    async def command(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, inbox_app(inboxes, installation.settings), list(words))

    return command


@pytest.fixture
async def desk(database: ZoneDatabase, home: Path) -> AsyncIterator[CourierDesk]:
    """An installation without Kafka that answers for Haven."""
    await migrate(database.owner_dsn, ZONE)
    async with pool_of(database.app_dsn) as pool:
        desk = CourierDesk(pool, home / "zones", database.app_dsn)
        desk.serve(HAVEN)
        yield desk


@pytest.fixture
async def receiver() -> AsyncIterator[ScriptedReceiver]:
    """Haven's own system."""
    async with ScriptedReceiver() as receiver:
        yield receiver
