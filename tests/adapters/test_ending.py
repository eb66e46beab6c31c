"""A provider's zone whose work cannot go on ends, so that whoever watches over it starts it again."""

import asyncio

import asyncpg
import pytest

from adapters.zone import ProviderZone
from broker.local.databases import ZoneDatabase
from tests.adapters.network import DEADLINE_SECONDS, Installation
from tests.conftest import KafkaForTest


async def test_a_zone_that_can_never_send_again_ends(
    installation: Installation, kafka: KafkaForTest, database: ZoneDatabase
) -> None:
    """The table of the answers is gone: no retry mends that, and the zone ends with what was wrong."""
    await installation.serve(kafka.org("haven"))
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("ALTER TABLE answer RENAME TO elsewhere")
    await owner.close()
    with pytest.raises(asyncpg.UndefinedTableError):
        await asyncio.wait_for(ProviderZone(installation.parts()).run(), DEADLINE_SECONDS)
