"""Many rows in one statement: COPY for new ones, INSERT from arrays for the rest, built from the table classes.

`unnest` keeps a statement's text the same for any number of rows, so PostgreSQL plans it once and the driver sends it
once; an insert per row, or a VALUES list of changing length, costs ten times as much (docs/decisions/0030).
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, LargeBinary, Table
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]
    Pool = asyncpg.Pool[Any]
else:  # asyncpg's classes are generic for the type checker only
    Connection, Pool = asyncpg.Connection, asyncpg.Pool

OnConflict = Literal["fail", "ignore", "replace"]

_ARRAY_TYPES: tuple[tuple[type, str], ...] = (
    (BigInteger, "bigint[]"),
    (Integer, "integer[]"),
    (Boolean, "boolean[]"),
    (DateTime, "timestamptz[]"),
    (LargeBinary, "bytea[]"),
    (JSONB, "jsonb[]"),
)


def _array_type(column_type: object) -> str:
    for kind, array in _ARRAY_TYPES:
        if isinstance(column_type, kind):
            return array
    return "text[]"


@cache
def insert_statement(table: Table, columns: tuple[str, ...], on_conflict: OnConflict) -> str:
    """The INSERT for these columns of a table; `replace` updates every named column that is not part of the key."""
    names = ", ".join(columns)
    arrays = ", ".join(f"${i}::{_array_type(table.columns[name].type)}" for i, name in enumerate(columns, 1))
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608  names of our tables
    if on_conflict == "fail":
        return statement
    key = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    action = f"DO UPDATE SET {changed}" if on_conflict == "replace" else "DO NOTHING"
    return f"{statement} ON CONFLICT ({', '.join(key)}) {action}"


async def add(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
    """Write rows that are new for certain, by COPY: the cheapest way in; a row that exists fails the transaction."""
    if rows:
        await connection.copy_records_to_table(table.name, records=rows, columns=columns)


async def insert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Iterable[Sequence[object]],
    on_conflict: OnConflict = "fail",
) -> None:
    """Write rows (tuples in the order of `columns`) in one statement; nothing happens without rows."""
    by_column = list(zip(*rows, strict=True))
    if by_column:
        await connection.execute(insert_statement(table, columns, on_conflict), *by_column)
