"""A door per test, with two organisations whose systems it believes."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.adapters.door.doorway import Doorway, open_door
from tests.adapters.door.own_system import OwnSystem
from tests.adapters.network import Installation
from tests.conftest import KafkaForTest


@pytest.fixture
async def doorway(installation: Installation, kafka: KafkaForTest) -> AsyncIterator[Doorway]:
    """The door of an installation with two organisations."""
    for name in ("haven", "brook"):
        await installation.serve(kafka.org(name))
    async with aiohttp.ClientSession() as session, open_door(Doorway(installation, session)) as opened:
        yield opened


@pytest.fixture
def haven(doorway: Doorway, kafka: KafkaForTest) -> OwnSystem:
    """One organisation's system."""
    return doorway.system(kafka.org("haven"))


@pytest.fixture
def brook(doorway: Doorway, kafka: KafkaForTest) -> OwnSystem:
    """Another one's."""
    return doorway.system(kafka.org("brook"))
