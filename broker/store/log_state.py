"""How far the log is sealed, and since when nothing was: what everybody may know of it, no entry's text among it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from broker import limits
from broker.sql.bulk import Connection
from broker.store.unsealed import unsealed_age


@dataclass(frozen=True, slots=True)
class LogState:
    """`entries` are sealed; the oldest that is not waits for `unsealed_seconds`, None where none waits."""

    entries: int
    unsealed_seconds: float | None
    checkpoint_at: datetime | None

    @property
    def alarm(self) -> bool:
        """Whether somebody must look after the sequencer."""
        return (self.unsealed_seconds or 0) > limits.unsealed_alarm_seconds

    @property
    def stopped(self) -> bool:
        """Whether nothing is sent until the trail is sealed again."""
        return (self.unsealed_seconds or 0) > limits.unsealed_stop_seconds


async def log_state(connection: Connection) -> LogState:
    """The state of this moment."""
    row = await connection.fetchrow(
        "SELECT size, (SELECT max(made_at) FROM log_checkpoint) AS checkpoint_at FROM log_state"
    )
    assert row is not None
    age = await unsealed_age(connection)
    seconds = None if age is None else round(age.total_seconds(), 1)
    return LogState(row["size"], seconds, row["checkpoint_at"])


async def notes_since(connection: Connection, count: int) -> list[str]:
    """The newest checkpoints, the newest first."""
    rows = await connection.fetch("SELECT note FROM log_checkpoint ORDER BY seq DESC LIMIT $1", count)
    return [row["note"] for row in rows]


class Sealed(NamedTuple):
    """Of these entries: the place and commitment of those that are sealed, and the numbers of those that should be."""

    entries: list[tuple[int, bytes]]
    missing: tuple[int, ...]


async def sealed_of(connection: Connection, numbers: Sequence[int]) -> Sealed:
    """What the log holds of these entries, by their numbers in the trail.

    Below its horizon the log has every entry: one that is not there any more was taken out.
    """
    rows = await connection.fetch(
        "SELECT told.number, l.idx, l.commitment, told.number <= s.horizon AS due"
        " FROM unnest($1::bigint[]) AS told (number) CROSS JOIN log_state s"
        " LEFT JOIN log_entry l ON l.entry_idx = told.number ORDER BY told.number",
        numbers,
    )
    found = [(row["idx"], row["commitment"]) for row in rows if row["idx"] is not None]
    return Sealed(found, tuple(row["number"] for row in rows if row["idx"] is None and row["due"]))
