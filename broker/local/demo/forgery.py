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
    """Export a copy in which Cedar house's last release went to Birch house; returns the place of the lying entry."""
    dsn = superuser_dsn(settings) or settings.postgres_owner_dsn or settings.postgres_dsn
    assert dsn is not None, "the parts run"
    connection: Connection = await asyncpg.connect(dsn.get_secret_value())
    try:
        return await export_altered(connection, folder, Step.DISCLOSURE_RELEASED, (county.CEDAR, county.BIRCH))
    finally:
        await connection.close()


async def export_altered(connection: Connection, folder: Path, step: Step, words: tuple[str, str]) -> int:
    """Export a copy in which the newest step of a kind that says the first of two words says the second instead.

    Returns the place of that entry in the log. The session keeps the copy, in the place of the tables, until it ends.
    """
    for table in _TABLES:
        await connection.execute(f"CREATE TEMPORARY TABLE {table} AS TABLE public.{table}")
    chosen = await connection.fetchrow(_CHOSEN, step.value, words[0])
    assert chosen is not None, "there is such a step"
    await connection.execute(_ALTERED, chosen["entry_idx"], *words)
    await export(connection, folder, lambda _done, _of: None)
    return int(chosen["idx"])
