"""What is written in bulk is there to the letter, whatever its texts hold, few rows or many."""

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from broker.local.databases import ZoneDatabase
from broker.sql.bulk import TOGETHER_ROWS_MAX, OnConflict, Rows, Step, insert, write_rows

_TABLE: Final = Table(
    "kept",
    MetaData(),
    Column("place", Integer, primary_key=True),
    Column("said", Text),
    Column("listed", JSONB),
    Column("raw", LargeBinary),
    Column("count", BigInteger),
    Column("sure", Boolean),
)
_COLUMNS: Final = ("place", "said", "listed", "raw", "count", "sure")
_CREATE: Final = (
    "CREATE TABLE kept (place integer PRIMARY KEY, said text, listed jsonb, raw bytea, count bigint, sure boolean)"
)
_AWKWARD: Final = (
    "", None, "\x1f", "\x1e", "a\x1fb", "\x1e\x1e", "{}", "NULL", "null", '"', "\\", ",", "'", "$1",
    "ñ 名 🙂", " ", "\n",
)  # fmt: skip


@pytest.fixture
async def connection(database: ZoneDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection that has the table."""
    made = await asyncpg.connect(database.owner_dsn)
    await made.execute(_CREATE)
    yield made
    await made.close()


def _rows(texts: tuple[str | None, ...]) -> list[tuple[object, ...]]:
    return [
        (place, text, '["A", "B"]', bytes([place % 256, 31, 30]), 1 << 40, place % 2 == 0)
        for place, text in enumerate(texts)
    ]


@pytest.mark.parametrize("on_conflict", ["fail", "ignore", "replace"])
@pytest.mark.parametrize("times", [1, 1 + TOGETHER_ROWS_MAX // len(_AWKWARD)], ids=["few", "many"])
async def test_texts_are_kept_to_the_letter(
    connection: asyncpg.Connection,
    on_conflict: OnConflict,
    times: int,
) -> None:
    """Those too that hold what stands between the texts of a column; an empty one is not an absent one."""
    rows = _rows(_AWKWARD * times)
    await write_rows(connection, [Rows(_TABLE, _COLUMNS, rows, on_conflict)])
    assert [tuple(row) for row in await connection.fetch("SELECT * FROM kept ORDER BY place")] == rows


@pytest.mark.parametrize("text", _AWKWARD)
async def test_one_row_is_one_row(connection: asyncpg.Connection, text: str | None) -> None:
    """Whatever its only text is."""
    rows = _rows((text,))
    await insert(connection, _TABLE, _COLUMNS, rows)
    assert [tuple(row) for row in await connection.fetch("SELECT * FROM kept")] == rows


async def test_a_row_is_replaced_ignored_or_refused(connection: asyncpg.Connection) -> None:
    """As the caller says; a step beside the rows sees what was there before, and none at all writes nothing."""
    columns = ("place", "said")
    await insert(connection, _TABLE, columns, [])
    await write_rows(connection, [Rows(_TABLE, columns, [])])
    await insert(connection, _TABLE, columns, [(1, "first")])
    await insert(connection, _TABLE, columns, [(1, "ignored")], "ignore")
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(connection, _TABLE, columns, [(1, "refused")])
    forget = Step("DELETE FROM kept WHERE said = $1", ("first",))
    await write_rows(connection, [Rows(_TABLE, columns, [(2, "first")], "replace")], [forget])
    assert [tuple(row) for row in await connection.fetch("SELECT place, said FROM kept")] == [(2, "first")]
    await insert(connection, _TABLE, columns, [(2, "replaced")], "replace")
    await write_rows(connection, [], [forget])
    assert [tuple(row) for row in await connection.fetch("SELECT place, said FROM kept")] == [(2, "replaced")]
