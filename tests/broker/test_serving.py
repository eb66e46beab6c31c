"""A process whose work cannot go on ends, so that whoever watches over it starts it again: it never stays up idle."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from broker.composition import BROKER_PROCESSES, Process, sequencer_place
from broker.trail.errors import LogShrunk
from broker.trail.notes import Checkpoint
from broker.trail.tiles import CHECKPOINT_FILE
from tests.broker.county import County
from tests.broker.letters import DEADLINE_SECONDS


@pytest.mark.parametrize(("process", "table"), [(Process.CLOCK, "need"), (Process.RELAY, "outbox")])
async def test_a_process_that_can_never_work_again_ends(own_county: County, process: Process, table: str) -> None:
    """Its table is gone: no retry mends that, and its block ends with what was wrong."""
    assert own_county.settings.postgres_owner_dsn is not None
    owner = await asyncpg.connect(own_county.settings.postgres_owner_dsn.get_secret_value())
    await owner.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    await owner.close()
    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(DEADLINE_SECONDS), own_county.broker(process):
            await asyncio.Event().wait()
    assert ended.value.subgroup(asyncpg.UndefinedTableError) is not None


async def test_an_older_backup_is_refused_at_start(own_county: County) -> None:
    """What was published is longer than what the restored database has: nothing is taken in, sent or sealed."""
    folder = own_county.settings.log
    folder.mkdir(parents=True)
    place = sequencer_place(own_county.settings)
    published = Checkpoint.at(place.origin, 1_000_000, bytes(32), datetime.now(UTC))
    (folder / CHECKPOINT_FILE).write_text(published.signed(place.signers()))
    for process in BROKER_PROCESSES:
        with pytest.raises(LogShrunk) as refused:
            async with own_county.broker(process):
                pass
        assert "After a restore" in refused.value.remedy
