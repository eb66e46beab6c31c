"""Many rows in one statement: COPY for new ones, INSERT from arrays for the rest, built from the table classes.

A few rows of many tables go in one statement too, because what they cost is the round trips.

`unnest` keeps a statement's text the same for any number of rows, so PostgreSQL plans it once and the driver sends it
once; an insert per row, or a VALUES list of changing length, costs ten times as much (docs/decisions/0030).
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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


TOGETHER_ROWS_MAX = 250
"""Up to so many rows one statement for all tables is the quicker way, beyond it COPY is."""


class Rows(NamedTuple):
    """Rows for one table, as tuples in the order of `columns`. `fail`: a row that exists fails the transaction."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    on_conflict: OnConflict = "fail"


@cache
def insert_statement(table: Table, columns: tuple[str, ...], on_conflict: OnConflict, first: int = 1) -> str:
    """The INSERT for these columns of a table; `replace` updates every named column that is not part of the key.

    Its parameters are arrays, one for each column, numbered from `first` on.
    """
    names = ", ".join(columns)
    arrays = ", ".join(f"${i}::{_array_type(table.columns[name].type)}" for i, name in enumerate(columns, first))
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608  names of our tables
    if on_conflict == "fail":
        return statement
    key = [column.name for column in table.primary_key.columns]
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    action = f"DO UPDATE SET {changed}" if on_conflict == "replace" else "DO NOTHING"
    return f"{statement} ON CONFLICT ({', '.join(key)}) {action}"


class Step(NamedTuple):
    """A statement of its own beside the rows; `$1` and so on are its arguments, as in any other."""

    text: str
    arguments: tuple[object, ...]


@cache
def _together(rows: tuple[tuple[Table, tuple[str, ...], OnConflict], ...], steps: tuple[tuple[str, int], ...]) -> str:
    statements: list[str] = []
    first = 1
    for table, columns, on_conflict in rows:
        statements.append(insert_statement(table, columns, on_conflict, first))
        first += len(columns)
    for text, arguments in steps:
        statements.append(_numbered(text, first))
        first += arguments
    before = ", ".join(f"w{i} AS ({statement})" for i, statement in enumerate(statements[:-1]))
    return f"WITH {before} {statements[-1]}" if before else statements[-1]


def _numbered(text: str, first: int) -> str:
    """The statement with its arguments counted from `first` on."""
    return re.sub(r"\$(\d+)", lambda number: f"${int(number[1]) + first - 1}", text)


async def write_rows(connection: Connection, rows: Iterable[Rows], steps: Sequence[Step] = ()) -> list[asyncpg.Record]:
    """Write rows of several tables and do the steps, none of which may depend on another; the last step's rows.

    Whatever a step reads, it sees as it was before.
    """
    written = [part for part in rows if part.rows]
    if not written and not steps:
        return []
    if sum(len(part.rows) for part in written) <= TOGETHER_ROWS_MAX:
        statement = _together(
            tuple((part.table, part.columns, part.on_conflict) for part in written),
            tuple((step.text, len(step.arguments)) for step in steps),
        )
        by_column = [column for part in written for column in zip(*part.rows, strict=True)]
        return await connection.fetch(statement, *by_column, *(one for step in steps for one in step.arguments))
    for part in written:
        if part.on_conflict == "fail":
            await connection.copy_records_to_table(part.table.name, records=part.rows, columns=part.columns)
        else:
            await insert(connection, *part)
    found: list[asyncpg.Record] = []
    for step in steps:
        found = await connection.fetch(step.text, *step.arguments)
    return found


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
