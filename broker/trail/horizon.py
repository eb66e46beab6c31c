"""Up to where the trail is complete: no transaction can still add an entry at or below the horizon.

Entries are numbered when they are written and seen when their transaction commits, so a later number is often seen
first. A number is settled when whoever might have drawn it has ended: each writer holds PostgreSQL's lock on the table
from before it draws a number until its transaction is over, and those locks can be listed.
"""

from typing import Final

from broker.sql.bulk import Connection

_DRAWN: Final = "SELECT coalesce(pg_sequence_last_value('trail_entry_idx_seq'::regclass), 0)"
_WRITERS: Final = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'trail_entry'::regclass AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Horizon:
    """Finds how far the horizon may move; whoever has sealed everything up to there sets `at`."""

    def __init__(self, at: int) -> None:
        self.at = at
        self._next = at
        self._awaited: frozenset[str] = frozenset()

    async def settled(self, connection: Connection) -> int:
        """Up to which number nothing can be added any more. What lies below it is seen by whoever reads after this.

        The numbers that are drawn are read before the writers: a writer that drew one of them is among these, or over.
        """
        settled = self.at
        writers = await self._writers(connection)
        if self._awaited.isdisjoint(writers):
            settled = self._next
            drawn = int(await connection.fetchval(_DRAWN))
            self._next, self._awaited = drawn, await self._writers(connection)
            if not self._awaited:
                settled = drawn
        return settled

    async def _writers(self, connection: Connection) -> frozenset[str]:
        return frozenset(row["virtualtransaction"] for row in await connection.fetch(_WRITERS))
