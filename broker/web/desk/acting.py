"""How the desk's forms act: in one transaction, once for each form, however often it is sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.schemas.ids import EventIdText
from broker.sql.bulk import Connection
from broker.store.desk_forms import first_time
from broker.web.desk.who import Reading


@asynccontextmanager
async def once(who: Reading, key: EventIdText) -> AsyncIterator[Connection | None]:
    """The transaction in which this form acts; None where it has acted before, and nothing is left to do.

    What goes wrong undoes the form, too: it may be sent again.
    """
    async with who.desk.pool.acquire() as connection, connection.transaction():
        yield connection if await first_time(connection, key) else None
