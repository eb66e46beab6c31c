"""A process whose work cannot go on ends, so that whoever watches over it starts it again: it never stays up idle."""

import asyncio

import asyncpg
import pytest

from broker.composition import Process
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
