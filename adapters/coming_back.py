"""What comes back of a message after its channel had taken it: the delivery goes on by the next channel, or ends.

A report of a mail server says so minutes later, and may say it twice. It is never an answer of a person.
"""

from dataclasses import dataclass
from typing import Final

from adapters.channels import Registry, channels_of, tell_paused
from adapters.course import came_back
from adapters.delivery_rows import Change, Ledger, Row, course_of
from adapters.handing_on import plan_for
from adapters.reminding import reminder_of, ways_of
from adapters.transports.transport import CameBack, Channel, Delayed, Refused
from broker.schemas.ids import EventId
from broker.sql.bulk import Connection, Pool

_LOCKED: Final = (
    "SELECT d.*, clock_timestamp() AS now FROM delivery d WHERE org_id = $1 AND message_id = $2 AND place = $3"
    " FOR UPDATE"
)
_NOTED: Final = "UPDATE delivery SET code = $2 WHERE delivery_id = $1 AND state = 'DELIVERED'"
_PAUSED: Final = (
    "UPDATE channel SET paused = $3, paused_at = clock_timestamp() WHERE org_id = $1 AND place = $2 AND paused IS NULL"
    " RETURNING place"
)


@dataclass(frozen=True, slots=True)
class ComingBack:
    """`Returned`, as transports are given it."""

    pool: Pool
    registry: Registry
    ledger: Ledger

    async def __call__(self, channel: Channel, message_id: EventId, what: CameBack) -> None:
        """Store it. Whatever is raised makes the other side try again later."""
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_LOCKED, channel.org, message_id, channel.place)
            if isinstance(what, Delayed):
                if row is not None:
                    await connection.execute(_NOTED, row["delivery_id"], what.code)
                return
            if row is not None:
                await self._go_on(connection, row, channel, what)
            if what.pause:
                paused = await connection.fetchval(_PAUSED, channel.org, channel.place, what.code)
                if paused is not None:
                    tell_paused(paused, channel.org, what.code)

    async def _go_on(self, connection: Connection, row: Row, channel: Channel, refused: Refused) -> None:
        before = course_of(row)
        channels = await channels_of(connection, [channel.org], self.registry.transports)
        ways = ways_of(channels.get(channel.org, ()), row["type"], reminder_of(row))
        after = came_back(before, refused, ways, plan_for(row["type"], row["priority"]), row["now"])
        if after is not before:
            await self.ledger.write(connection, [Change(row, after)], [], row["now"])
