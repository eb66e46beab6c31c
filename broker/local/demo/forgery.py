"""One row of the trail is altered as the database's superuser, in a copy that nobody but this session sees.

The copy is of the log's three tables, in temporary ones of the same names: the original stays as it is, the network
goes on working, and nothing is left of the copy when the session ends. It is exported by the same code as any trail.
"""

from pathlib import Path
from typing import Final

import asyncpg

from broker.local.demo import county
from broker.local.parts import superuser_dsn
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.trail.entries import Step
from broker.trail.exporting import export

_TABLES: Final = ("log_entry", "trail_entry", "log_checkpoint")

_CHOSEN: Final = """
SELECT l.idx, l.entry_idx FROM log_entry l JOIN trail_entry e ON e.idx = l.entry_idx
WHERE e.kind = $1 AND position($2 in convert_from(e.preimage, 'UTF8')) > 0 ORDER BY l.idx DESC
"""
_ALTERED: Final = """
UPDATE trail_entry SET preimage = convert_to(replace(convert_from(preimage, 'UTF8'), $2, $3), 'UTF8') WHERE idx = $1
"""


async def exported_altered(settings: Settings, folder: Path) -> int:
    """Export an altered copy of the trail; returns the place in the log of the entry that lies."""
    dsn = superuser_dsn(settings) or settings.postgres_owner_dsn or settings.postgres_dsn
    assert dsn is not None, "the parts run"
    connection: Connection = await asyncpg.connect(dsn.get_secret_value())
    try:
        for table in _TABLES:
            await connection.execute(f"CREATE TEMPORARY TABLE {table} AS TABLE public.{table}")
        chosen = await connection.fetchrow(_CHOSEN, Step.DISCLOSURE_RELEASED.value, county.CEDAR)
        assert chosen is not None, "Cedar house was given something tonight"
        await connection.execute(_ALTERED, chosen["entry_idx"], county.CEDAR, county.BIRCH)
        await export(connection, folder, lambda _done, _of: None)
    finally:
        await connection.close()
    return int(chosen["idx"])
