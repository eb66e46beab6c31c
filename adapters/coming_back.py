"""What comes back of a message after its channel had taken it: the delivery goes on by another channel, or ends.

A report of a mail server says so minutes later, and may say it twice. It is never an answer of a person. Which channel
had taken the message is what the attempt says, and not its turn: people may have given it another one since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from adapters.channels import Registry, channels_of, tell_paused
from adapters.course import came_back
from adapters.delivery_rows import Change, Ledger, Row, course_of
from adapters.handing_on import plan_for
from adapters.reminding import reminder_of, ways_of
from adapters.transports.transport import CameBack, Channel, Delayed, Refused
from adapters.ways import KeptChannel
from broker.schemas.ids import EventId
from broker.schemas.vocabulary import DeliveryState
from broker.sql.bulk import Connection, Pool

_LOCKED: Final = (
    "SELECT d.*, clock_timestamp() AS now, a.transport AS taken_as, a.folder AS taken_by FROM delivery d"
    " LEFT JOIN LATERAL (SELECT transport, folder FROM attempt WHERE delivery_id = d.delivery_id"
    " AND outcome = 'DELIVERED' ORDER BY number DESC LIMIT 1) a ON TRUE"
    " WHERE org_id = $1 AND message_id = $2 FOR UPDATE OF d"
)
_TRIED: Final = "SELECT DISTINCT folder FROM attempt WHERE delivery_id = $1"
_NOTED: Final = "UPDATE delivery SET code = $2 WHERE delivery_id = $1 AND state = 'DELIVERED'"
_PAUSED: Final = (
    "UPDATE channel SET paused = $3, paused_at = clock_timestamp() WHERE org_id = $1 AND folder = $2"
    " AND paused IS NULL RETURNING place"
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
            sent = await connection.fetchrow(_LOCKED, channel.org, message_id)
            found = await channels_of(connection, [channel.org], self.registry.transports)
            channels = found.get(channel.org, ())
            row = sent if sent is not None and _took(channel, sent, channels) else None
            if isinstance(what, Delayed):
                if row is not None:
                    await connection.execute(_NOTED, row["delivery_id"], what.code)
                return
            if row is not None:
                await self._go_on(connection, row, channel, channels, what)
            if what.pause:
                place = await connection.fetchval(_PAUSED, channel.org, channel.secrets.name, what.code)
                if place is not None:
                    tell_paused(place, channel.org, what.code)

    async def _go_on(
        self,
        connection: Connection,
        row: Row,
        channel: Channel,
        channels: Sequence[KeptChannel],
        refused: Refused,
    ) -> None:
        """The next one in turn; where none is left, one that nobody has tried for it and that came before by now."""
        places = {one.place: one.folder for one in channels}
        now_at = next((place for place, folder in places.items() if folder == channel.secrets.name), row["place"])
        before, plan = replace(course_of(row), place=now_at), plan_for(row["type"], row["priority"])
        ways = ways_of(channels, row["type"], reminder_of(row))
        after = came_back(before, refused, ways, plan, row["now"])
        if after is not before and after.state is DeliveryState.DEAD_LETTERED:
            tried = {one["folder"] for one in await connection.fetch(_TRIED, row["delivery_id"])}
            untried = [way for way in ways if places[way.place] not in {*tried, channel.secrets.name}]
            after = came_back(replace(before, place=0), refused, untried, plan, row["now"])
        if after is not before:
            await self.ledger.write(connection, [Change(row, after)], [], row["now"])


def _took(channel: Channel, row: Row, channels: Sequence[KeptChannel]) -> bool:
    """Whether this channel had taken it. One that was set anew since has another folder, and is of the same kind."""
    if row["taken_by"] == channel.secrets.name:
        return True
    still_there = any(one.folder == row["taken_by"] for one in channels)
    return not still_there and row["taken_as"] == channel.transport
