"""How a command gets at the broker's database: its settings and connections, for as long as its work lasts."""

import asyncio
from collections.abc import Awaitable, Callable

from broker.composition import broker_pool
from broker.local.parts import attached
from broker.look.zone import see_in
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection, Pool


def with_broker(work: Callable[[Settings, Connection], Awaitable[None]]) -> None:
    """Do this with the broker's database, the embedded one where none is named.

    Raises:
        PostgresUnreachable, SettingsInvalid: there is none.
    """

    async def with_one(settings: Settings, pool: Pool) -> None:
        async with pool.acquire() as connection:
            await work(settings, connection)

    with_pool(with_one)


def with_pool(work: Callable[[Settings, Pool], Awaitable[None]]) -> None:
    """The same with as many connections as the work needs."""

    async def run() -> None:
        settings = attached(load_settings())
        see_in(settings.house_zone)
        async with broker_pool(settings) as pool:
            await work(settings, pool)

    asyncio.run(run())
