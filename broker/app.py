"""Puts the parts together. This is the only file that knows them all, and the only one that names an adapter."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg

from broker import serving
from broker.bus.publisher import Publisher, Sign
from broker.errors import PostgresUnreachable, SettingsInvalid
from broker.handlers.directory import Directory
from broker.pipeline import TRANSIENT, Parts
from broker.reading import Verify, signature_check
from broker.schemas.topics import Topics
from broker.seal.keys import load_signing_key
from broker.seal.signature import sign
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.sql.migrate import migrate
from broker.store import tables
from broker.store.policies import activate, shipped_pack

POOL_CONNECTIONS_MAX = 8


class Process(StrEnum):
    """What can be served alone, in any number of copies."""

    BROKER = "broker"
    RELAY = "relay"
    CLOCK = "clock"
    ADAPTER = "adapter"


def topics_of(settings: Settings) -> Topics:
    """The topic names of this installation."""
    return Topics(settings.environment, settings.topic_prefix)


def kafka_of(settings: Settings) -> dict[str, Any]:
    """What every Kafka client of this installation is made with."""
    return {"bootstrap_servers": settings.kafka_bootstrap, **settings.kafka_client_options()}


def zone_folder(settings: Settings, org: str) -> Path:
    """The folder of an organisation's zone: its keys and what it knows of the network."""
    return settings.home / "zones" / org


async def prepare(settings: Settings) -> None:
    """Bring the tables of the zones that this installation holds up to date, as their owners."""
    if settings.postgres_owner_dsn is not None:
        await migrate(settings.postgres_owner_dsn.get_secret_value(), tables.ZONE)
    if settings.provider_postgres_owner_dsn is not None:
        from adapters import tables as provider_tables

        await migrate(settings.provider_postgres_owner_dsn.get_secret_value(), provider_tables.ZONE)


@asynccontextmanager
async def broker_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Connections to the broker's database as its everyday role.

    Raises:
        PostgresUnreachable: nobody answers there.
    """
    if settings.postgres_dsn is None:
        raise SettingsInvalid("HANDOFF_POSTGRES_DSN is not set and no embedded PostgreSQL runs.")
    try:
        pool = await asyncpg.create_pool(
            settings.postgres_dsn.get_secret_value(), min_size=1, max_size=POOL_CONNECTIONS_MAX
        )
    except TRANSIENT as error:
        raise PostgresUnreachable from error
    async with pool:
        yield pool


@asynccontextmanager
async def broker_parts(
    settings: Settings,
    sign: Sign | None = None,
    check_of: Callable[[Directory], Verify] | None = signature_check,
) -> AsyncIterator[Parts]:
    """Everything that the broker's processes share. `sign` and `check_of` are other than the default in bench/ only."""
    pack, text = shipped_pack()
    async with broker_pool(settings) as pool:
        async with pool.acquire() as connection:
            await activate(connection, pack, text)
        publisher = Publisher(kafka_of(settings), sign)
        await publisher.start()
        try:
            yield Parts(
                pool=pool,
                publisher=publisher,
                topics=topics_of(settings),
                pack=pack,
                packs={pack.reference: pack},
                broker_org=settings.broker_org,
                check_of=check_of,
            )
        finally:
            await publisher.stop()


def broker_signer(settings: Settings) -> Sign:
    """The broker's own signature, by the newest signing key of its zone."""
    key = load_signing_key(zone_folder(settings, settings.broker_org) / "keys", settings.broker_org, datetime.now(UTC))
    return lambda headers, value: sign(headers, value, key)


@asynccontextmanager
async def adapter(settings: Settings) -> AsyncIterator[None]:
    """The provider zone's process."""
    yield


@asynccontextmanager
async def running(settings: Settings, *processes: Process) -> AsyncIterator[None]:
    """These processes, in this one, while the block lasts."""
    async with AsyncExitStack() as stack:
        if set(processes) - {Process.ADAPTER}:
            parts = await stack.enter_async_context(broker_parts(settings, broker_signer(settings)))
            if Process.RELAY in processes:
                await stack.enter_async_context(serving.relay(parts))
            if Process.CLOCK in processes:
                await stack.enter_async_context(serving.clock(parts))
            if Process.BROKER in processes:
                await stack.enter_async_context(serving.intake(parts, kafka_of(settings)))
        if Process.ADAPTER in processes:
            await stack.enter_async_context(adapter(settings))
        yield
