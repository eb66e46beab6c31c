"""How a command gets at the broker's database: its settings and one connection, for as long as its work lasts."""

import asyncio
from collections.abc import Awaitable, Callable

from broker.composition import broker_pool
from broker.local.parts import attached
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection


def with_broker(work: Callable[[Settings, Connection], Awaitable[None]]) -> None:
    """Do this with the broker's database, the embedded one where none is named.

    Raises:
        PostgresUnreachable, SettingsInvalid: there is none.
    """

    async def run() -> None:
        settings = attached(load_settings())
        async with broker_pool(settings) as pool, pool.acquire() as connection:
            await work(settings, connection)

    asyncio.run(run())
