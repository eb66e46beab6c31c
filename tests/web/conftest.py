"""A county with its broker at work and its door open, and the software of two of its agencies."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from broker import limits
from broker.agency.sending import Sender
from broker.composition import kafka_of
from broker.web.app import WebParts, agencies_door
from broker.web.running import running_web
from broker.web.serving import served as open_at
from tests.broker.conftest import served as served
from tests.broker.county import County
from tests.broker.facts import HOTLINE, POLICE
from tests.web.agency import Agency

SETTING = "HANDOFF_WEB_ADDRESS"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def door(served: County) -> AsyncIterator[str]:
    """The address of the door, put together as `handoff serve web` does."""
    settings = served.settings.model_copy(update={"web_address": "127.0.0.1:0"})
    async with running_web(settings) as (host, port):
        yield f"http://{host}:{port}"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """One HTTP client for all agencies."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def police(served: County, door: str, session: aiohttp.ClientSession) -> Agency:
    """The police department's software."""
    return Agency(session, door, served.keys[POLICE])


@pytest.fixture
def hotline(served: County, door: str, session: aiohttp.ClientSession) -> Agency:
    """The hotline's software."""
    return Agency(session, door, served.keys[HOTLINE])


DoorOfOwn = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def own_door(served: County) -> DoorOfOwn:
    """Opens a door of the test's own before the same county, whose bounds and clocks the test sets."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[str]:
        kafka = kafka_of(served.settings)
        sender = Sender(kafka, limits.web_confirm_seconds_max)
        parts = replace(WebParts(served.pool, kafka, served.topics, sender, served.settings.log), **changes)
        try:
            async with open_at(agencies_door(parts), "127.0.0.1:0", SETTING) as (host, port):
                yield f"http://{host}:{port}"
        finally:
            await sender.stop()

    return opened
