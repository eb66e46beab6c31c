"""How long the trail has waited to be sealed; after too long nothing is sent, because it could not be proved.

Whoever sends looks at a flag, which each process renews every few seconds: events pay nothing for it.
"""

import logging
from datetime import timedelta
from typing import Final

from broker import limits
from broker.sql.bulk import Connection, Pool

log = logging.getLogger(__name__)

_AGE: Final = """
SELECT clock_timestamp() - (
    SELECT written_at FROM trail_entry WHERE idx > (SELECT horizon FROM log_state) ORDER BY idx LIMIT 1
)
"""
"""What lies above the horizon may be sealed already, by a sequencer that waits for a writer: then a second ago."""


async def unsealed_age(connection: Connection) -> timedelta | None:
    """How old the oldest entry is that may not be sealed; None where there is none."""
    age: timedelta | None = await connection.fetchval(_AGE)
    return age


class SealWatch:
    """What a process knows of it. `stopped`: nothing may be sent until the trail has been sealed."""

    def __init__(self) -> None:
        self.stopped = False
        self._alarmed = False

    async def look(self, pool: Pool) -> int:
        """Renew the flag, and tell of an alarm when it begins and when it is over. Returns 0: there is no backlog."""
        async with pool.acquire() as connection:
            self.take(await unsealed_age(connection))
        return 0

    def take(self, age: timedelta | None) -> None:
        """Judge this age of the oldest unsealed entry."""
        seconds = 0.0 if age is None else age.total_seconds()
        stopped, alarmed = seconds > limits.unsealed_stop_seconds, seconds > limits.unsealed_alarm_seconds
        if stopped and not self.stopped:
            log.error("the trail has not been sealed for %.0f s: nothing is sent until it is", seconds)
        elif alarmed and not self._alarmed:
            log.error("the trail has not been sealed for %.0f s: is the sequencer running?", seconds)
        elif self._alarmed and not alarmed:
            log.warning("the trail is sealed again")
        self.stopped, self._alarmed = stopped, alarmed
