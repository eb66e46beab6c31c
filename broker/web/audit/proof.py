"""Whether what a page shows is what was sealed: each text against its commitment, each commitment against the log."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from broker.sql.bulk import Connection
from broker.store.log_state import Sealed, sealed_of
from broker.store.questions import TrailLine
from broker.trail.checking import Checked, checked, not_in
from broker.trail.errors import TrailError
from broker.trail.proofs import PublishedLog


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found. `altered` and `missing` are numbers in the trail, `unproved` places in the log.

    `checkpoint` is None where no log is published here: then commitments alone were checked.
    """

    entries: int
    proved: int
    waiting: int
    altered: tuple[int, ...]
    missing: tuple[int, ...]
    unproved: tuple[int, ...]
    checkpoint: Checked | None

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against what is shown."""
        signed = self.checkpoint is None or self.checkpoint.signed is not False
        return signed and not (self.altered or self.missing or self.unproved)


async def sealed(connection: Connection, lines: Sequence[TrailLine]) -> Sealed:
    """What the log holds of these entries."""
    return await sealed_of(connection, [line.idx for line in lines])


async def prove(lines: Sequence[TrailLine], held: Sealed, log: PublishedLog | None) -> Proof:
    """Hold these entries against the published log, beside the requests of others."""
    newest = await asyncio.to_thread(newest_of, log)
    covered: set[int] = set()
    unproved: list[int] = []
    if newest is not None and log is not None:
        unproved = await asyncio.to_thread(not_in, log, newest.checkpoint, held.entries)
        covered = {place for place, _ in held.entries if place < newest.checkpoint.size}
    fits = {line.place for line in lines if line.sound}
    return Proof(
        entries=len(lines),
        proved=len((covered & fits) - set(unproved)),
        waiting=len(lines) - len(covered) - len(held.missing),
        altered=tuple(line.idx for line in lines if not line.sound),
        missing=held.missing,
        unproved=tuple(unproved),
        checkpoint=newest,
    )


def newest_of(log: PublishedLog | None) -> Checked | None:
    """The newest checkpoint that is published here; None where none is, or nothing of one is left."""
    try:
        return None if log is None else checked(log.checkpoint(), log.keys())
    except TrailError:
        return None
