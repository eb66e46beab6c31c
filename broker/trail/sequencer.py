"""The only writer of the log: every committed entry of the trail gets one index, once, whatever dies and whenever.

A batch is one transaction: entries, frontier and, when it is time, a signed checkpoint. A second sequencer waits for an
advisory lock; one that lost it unnoticed is fenced by the epoch, and after that by the keys of the tables.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from broker import limits
from broker.sql.bulk import Connection
from broker.sql.transient import TRANSIENT
from broker.trail.entries import commitment
from broker.trail.errors import LogAltered, SequencerFenced
from broker.trail.horizon import Horizon
from broker.trail.merkle import Frontier, leaf_hash
from broker.trail.notes import Checkpoint, Signs, Verifier
from broker.trail.publishing import publish, publish_keys, refuse_older, to_its_end

log = logging.getLogger(__name__)

_LOCK: Final = 7236_0016
"""Advisory lock of whoever writes the log of this database."""

_TAKE_OVER: Final = "UPDATE log_state SET epoch = epoch + 1 RETURNING size, peaks, horizon, epoch"
_HOLD: Final = "SELECT size, epoch, clock_timestamp() AS now FROM log_state FOR UPDATE"
_UNSEALED: Final = """
SELECT e.idx, e.kind, e.preimage, e.salt FROM trail_entry e
WHERE e.idx > $1 AND NOT EXISTS (SELECT FROM log_entry l WHERE l.entry_idx = e.idx AND l.entry_idx > $1)
ORDER BY e.idx LIMIT $2
"""
_STAND: Final = "UPDATE log_state SET size = $1, peaks = $2, horizon = $3"
_LAST_CHECKPOINT: Final = "SELECT size, note, made_at FROM log_checkpoint ORDER BY seq DESC LIMIT 1"
_CHECKPOINT: Final = "INSERT INTO log_checkpoint (size, note, made_at) VALUES ($1, $2, $3)"

Signers = Callable[[], Mapping[Verifier, Signs]]
"""The keys that sign at this moment; asked at each checkpoint, so that a new one serves without a restart."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which log is written, with whose keys, and where it is published."""

    origin: str
    folder: Path
    signers: Signers


class Sequencer:
    """The sequencer in office, on a connection that holds the lock. Made by `in_office`."""

    def __init__(self, connection: Connection, place: Place, stand: Mapping[str, Any], last: datetime | None) -> None:
        self._connection, self._place = connection, place
        self._tree = Frontier.of_bytes(stand["size"], stand["peaks"])
        self._epoch = stand["epoch"]
        self._horizon = Horizon(stand["horizon"])
        self._checkpointed, self._checkpointed_at = -1, last
        self._shown: tuple[Verifier, ...] = ()
        """The signers whose public keys are beside the log."""

    @property
    def size(self) -> int:
        """How many entries are sealed."""
        return self._tree.size

    async def turn(self) -> int:
        """Seal what is there and publish what is due; returns the number of entries if there may be more at once.

        Raises:
            SequencerFenced: another one is in office; nothing was written.
        """
        upto = await self._horizon.settled(self._connection)
        sealed, note = await self._seal(upto)
        if note is not None:
            await self._publish(note)
        return sealed if sealed == limits.seal_batch_entries_max else 0

    async def _seal(self, upto: int) -> tuple[int, str | None]:
        """One transaction: entries, frontier and, where it is time, a checkpoint. Our own stand follows its commit."""
        tree = Frontier(self._tree.size, [*self._tree.peaks])
        async with self._connection.transaction():
            now = await self._hold()
            rows = await self._connection.fetch(_UNSEALED, self._horizon.at, limits.seal_batch_entries_max)
            full = len(rows) == limits.seal_batch_entries_max
            horizon = min(upto, rows[-1]["idx"]) if full else upto
            if rows:
                await self._append(rows, tree)
            if rows or horizon > self._horizon.at:
                await self._connection.execute(_STAND, tree.size, tree.wire(), horizon)
            note = self._checkpoint(tree, now) if self._due(tree.size, now) else None
            if note is not None:
                await self._connection.execute(_CHECKPOINT, tree.size, note, now)
        self._tree, self._horizon.at = tree, horizon
        if note is not None:
            self._checkpointed, self._checkpointed_at = tree.size, now
        return len(rows), note

    async def _hold(self) -> datetime:
        """Lock the log's stand and see that it is where we left it; returns the database's clock."""
        found = await self._connection.fetchrow(_HOLD)
        if found is None or found["epoch"] != self._epoch:
            raise SequencerFenced
        if found["size"] != self._tree.size:
            raise LogAltered
        now: datetime = found["now"]
        return now

    async def _append(self, rows: Sequence[Mapping[str, Any]], tree: Frontier) -> None:
        first = tree.size
        made = [commitment(row["kind"], row["preimage"], row["salt"]) for row in rows]
        try:
            await self._connection.copy_records_to_table(
                "log_entry",
                records=[(first + at, row["idx"], one) for at, (row, one) in enumerate(zip(rows, made, strict=True))],
                columns=("idx", "entry_idx", "commitment"),
            )
        except asyncpg.UniqueViolationError:  # nobody of ours writes while we hold the stand
            raise LogAltered from None
        tree.extend(map(leaf_hash, made))

    def _due(self, size: int, now: datetime) -> bool:
        if self._checkpointed_at is None:
            return True
        grown = size > self._checkpointed
        wait = limits.checkpoint_seconds if grown else limits.checkpoint_idle_seconds
        return (now - self._checkpointed_at).total_seconds() >= wait

    def _checkpoint(self, tree: Frontier, now: datetime) -> str:
        return Checkpoint.at(self._place.origin, tree.size, tree.root(), now).signed(self._place.signers())

    async def resume(self) -> None:
        """Hold the published log against the database, and publish what a crash kept from being published.

        Raises:
            LogShrunk: the database has less than was published.
            LogAltered: it has something else.
        """
        await refuse_older(self._connection, self._place.folder)
        last = await self._connection.fetchrow(_LAST_CHECKPOINT)
        if last is not None:
            self._checkpointed = last["size"]
            await self._publish(last["note"])

    async def _publish(self, note: str) -> None:
        folder, signers = self._place.folder, tuple(self._place.signers())
        if signers != self._shown:
            await to_its_end(publish_keys, folder, signers)
            self._shown = signers
        await publish(self._connection, folder, note)


@asynccontextmanager
async def in_office(dsn: str, place: Place) -> AsyncIterator[Sequencer]:
    """The sequencer of this database while the block lasts; waits while another one is in office.

    Raises:
        LogShrunk, LogAltered: the log is not as it was published.
    """
    connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn)
    try:
        # Asked again and again: who waits inside PostgreSQL keeps it from clearing away old rows.
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
            await asyncio.sleep(limits.sequencer_again_seconds)
        stand = await connection.fetchrow(_TAKE_OVER)
        if stand is None:
            raise LogAltered
        last = await connection.fetchval("SELECT max(made_at) FROM log_checkpoint")
        sequencer = Sequencer(connection, place, stand, last)
        await sequencer.resume()
        yield sequencer
    finally:
        # Ending the session gives the lock back; a terminated connection cannot be asked to close in order.
        connection.terminate()


async def sequence(dsn: str, place: Place) -> None:
    """Be the sequencer for good: again after trouble with the database, and behind another one as long as it lives.

    Raises:
        LogShrunk, LogAltered: nothing is sealed any more before somebody has looked.
    """
    while True:
        try:
            async with in_office(dsn, place) as sequencer:
                while True:
                    more = await sequencer.turn()
                    await asyncio.sleep(0 if more else limits.seal_pause_seconds)
        except (SequencerFenced, *TRANSIENT) as error:
            log.warning("the trail is not sealed for now (%s), trying again", type(error).__name__)
            await asyncio.sleep(limits.sequencer_again_seconds)
