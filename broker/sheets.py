"""Rows as programs and spreadsheets read them, for commands and pages alike; no cell can become a formula."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes what begins so for a formula, and a formula can send away what stands beside it (OWASP)."""


def named(row: object) -> Mapping[str, Any]:
    """A row's values by their names."""
    if is_dataclass(row) and not isinstance(row, type):
        return asdict(row)
    assert isinstance(row, Mapping)
    return row


def json_lines(rows: Sequence[object]) -> Iterator[str]:
    """One object a line."""
    yield from (json.dumps(named(row), default=cell) for row in rows)


def csv_lines(rows: Sequence[object]) -> Iterator[str]:
    """A line of names first; nothing at all where there are no rows."""
    listed = [named(row) for row in rows]
    heads = [list(listed[0])] if listed else []
    for cells in (*heads, *([safe_cell(cell(value)) for value in row.values()] for row in listed)):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet reads as a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def cell(value: object) -> str:
    """A value as text; moments are UTC to the second."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
