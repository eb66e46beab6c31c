"""Many rows in one statement: COPY for new ones, INSERT from arrays for the rest, built from the table classes.

A few rows of many tables go in one statement too, because what they cost is the round trips.

`unnest` keeps a statement's text the same for any number of rows, so PostgreSQL plans it once and the driver sends it
once; an insert per row, or a VALUES list of changing length, costs ten times as much (docs/decisions/0030). A column of
texts goes as one text, because the driver looks at each element of an array to see whether it is one itself, which is
most of what an array costs (docs/decisions/0200).
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

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


_JOINED: Final = ("text[]", "jsonb[]")
"""What goes as one text."""
_SEPARATOR, _NULL = "\x1f", "\x1e"
"""What stands before each of the texts, and for one that is absent: characters that codes, ids and JSON never hold."""
_COLUMNS_FROM: Final = 3
"""The first two parameters of each statement say which separator its columns have, and what their NULL is."""


def _parameter(number: int, array: str) -> str:
    # What stands before the first separator is no text of the column: so one empty text is not no text.
    return f"(string_to_array(${number}, $1, $2))[2:]::{array}" if array in _JOINED else f"${number}::{array}"


TOGETHER_ROWS_MAX = 250
"""Up to so many rows one statement for all tables is the quicker way, beyond it COPY is."""


class Rows(NamedTuple):
    """Rows for one table, as tuples in the order of `columns`. `fail`: a row that exists fails the transaction."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    on_conflict: OnConflict = "fail"


@cache
def _arrays(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_array_type(table.columns[name].type) for name in columns)


def _arguments(parts: Sequence[Rows]) -> list[object]:
    """What these rows bind: the separator, the NULL, and each column of each part."""
    separator, null = _SEPARATOR, _NULL
    while (bound := _bound(parts, separator, null)) is None:
        separator, null = token_hex(), token_hex()  # Somebody's own words hold what no code does.
    return [separator, null, *bound]


def _bound(parts: Sequence[Rows], separator: str, null: str) -> list[object] | None:
    bound: list[object] = []
    for table, columns, rows, _ in parts:
        for array, column in zip(_arrays(table, columns), zip(*rows, strict=True), strict=True):
            if array not in _JOINED:
                bound.append(column)
                continue
            texts: Any = column
            together = separator.join(["", *[null if text is None else text for text in texts]])
            if together.count(separator) != len(column) or together.count(null) != column.count(None):
                return None
            bound.append(together)
    return bound


@cache
def insert_statement(
    table: Table, columns: tuple[str, ...], on_conflict: OnConflict, first: int = _COLUMNS_FROM
) -> str:
    """The INSERT for these columns of a table; `replace` updates every named column that is not part of the key.

    Its parameters are a separator, a NULL, and the columns, numbered from `first` on.
    """
    names = ", ".join(columns)
    arrays = ", ".join(_parameter(i, array) for i, array in enumerate(_arrays(table, columns), first))
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
    first = _COLUMNS_FROM
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


async def write_rows(connection: Connection, rows: Iterable[Rows], steps: Sequence[Step] = ()) -> None:
    """Write rows of several tables and do the steps, none of which may depend on another.

    Whatever a step reads, it sees as it was before.
    """
    written = [part for part in rows if part.rows]
    if written and sum(len(part.rows) for part in written) <= TOGETHER_ROWS_MAX:
        statement = _together(
            tuple((part.table, part.columns, part.on_conflict) for part in written),
            tuple((step.text, len(step.arguments)) for step in steps),
        )
        await connection.execute(statement, *_arguments(written), *(one for step in steps for one in step.arguments))
        return
    for part in written:
        if part.on_conflict == "fail":
            await connection.copy_records_to_table(part.table.name, records=part.rows, columns=part.columns)
        else:
            await _insert(connection, part)
    for step in steps:
        await connection.execute(step.text, *step.arguments)


async def insert(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Iterable[Sequence[object]],
    on_conflict: OnConflict = "fail",
) -> None:
    """Write rows (tuples in the order of `columns`) in one statement; nothing happens without rows."""
    if listed := list(rows):
        await _insert(connection, Rows(table, columns, listed, on_conflict))


async def _insert(connection: Connection, part: Rows) -> None:
    await connection.execute(insert_statement(part.table, part.columns, part.on_conflict), *_arguments([part]))
