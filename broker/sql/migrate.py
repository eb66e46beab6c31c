"""Bring a zone's tables up to date, and give its everyday role exactly what it needs and no more.

Migrations run as the role that owns the tables; the processes run as another, which can neither change a table nor
touch what was written to the trail.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

from broker.settings import sqlalchemy_url

APP_ROLE = "handoff_app"
"""The group role that every everyday role is a member of (`broker.local.databases`, docs for operators)."""
SEQUENCER_ROLE = "handoff_sequencer"
"""The same for whoever writes the log of the broker's trail: that log, and nothing else."""

_ROLE = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone's tables: where its migrations lie, which of them its everyday role may only add to or only read.

    `grants` are the rights of further roles, by role.
    """

    migrations: Path
    metadata: MetaData
    append_only: Sequence[str] = ()
    read_only: Sequence[str] = ()
    grants: Mapping[str, Sequence[str]] = field(default_factory=dict)


async def migrate(owner_dsn: str, zone: Zone, app_role: str = APP_ROLE) -> None:
    """Upgrade the zone's tables as their owner and grant its everyday role its rights. Safe to repeat."""
    if not _ROLE.match(app_role):
        raise ValueError("not a role's name")
    engine = create_async_engine(sqlalchemy_url(owner_dsn))
    try:
        async with engine.begin() as connection:
            # Two installations that start at once take turns.
            await connection.execute(text("SELECT pg_advisory_xact_lock(7236482)"))
            await connection.run_sync(_upgrade, zone)
            for statement in _grants(app_role, zone):
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, zone: Zone) -> None:
    # Imported here: Alembic takes as long to import as all the rest together, and only who migrates needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(zone.migrations))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = zone.metadata
    command.upgrade(config, "head")


def _grants(app_role: str, zone: Zone) -> list[str]:
    return [
        f"GRANT USAGE ON SCHEMA public TO {app_role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app_role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app_role}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {app_role}",
        *(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {app_role}" for table in zone.append_only),
        *(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {app_role}" for table in zone.read_only),
        *(f"GRANT {right} TO {role}" for role, rights in zone.grants.items() for right in rights),
    ]
