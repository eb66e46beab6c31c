"""Migrations and table classes agree: a database that was upgraded step by step is what the classes say."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, String
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString

from adapters import delivery_tables as delivery_tables
from adapters import entry_tables as entry_tables
from adapters import erasure_tables as erasure_tables
from adapters.tables import ZONE as PROVIDER
from broker.local.databases import ZoneDatabase
from broker.settings import sqlalchemy_url
from broker.sql.migrate import Zone, migrate
from broker.store.tables import ZONE as BROKER


def _other_type(_context: object, _there: object, _said: object, there: Any, said: Any) -> bool | None:
    """SQLModel says VARCHAR where migrations say TEXT: one type to PostgreSQL. None leaves it to Alembic."""
    return False if isinstance(there, String) and isinstance(said, String | AutoString) else None


def _difference(connection: Connection, zone: Zone) -> list[Any]:
    options = {"compare_type": _other_type, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, zone.metadata))


@pytest.mark.parametrize("zone", [BROKER, PROVIDER], ids=["broker", "provider"])
async def test_an_upgraded_database_has_the_tables_of_the_classes(zone: Zone, database: ZoneDatabase) -> None:
    """Columns, types, what may be missing, defaults and indexes: nothing to add and nothing left over."""
    await migrate(database.owner_dsn, zone)
    engine = create_async_engine(sqlalchemy_url(database.owner_dsn))
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(_difference, zone)
            assert found == [], found
    finally:
        await engine.dispose()


async def test_the_comparison_sees_a_column_that_no_class_has(database: ZoneDatabase) -> None:
    """Else it would agree with anything."""
    await migrate(database.owner_dsn, PROVIDER)
    engine = create_async_engine(sqlalchemy_url(database.owner_dsn))
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE offer ADD COLUMN stray text")
            found = [step for step in await connection.run_sync(_difference, PROVIDER) if isinstance(step, tuple)]
            assert [(step[0], step[-1].name) for step in found] == [("remove_column", "stray")]
    finally:
        await engine.dispose()
