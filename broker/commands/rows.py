"""Prints rows as a person, a program or a spreadsheet wants them; no cell of a CSV can become a formula."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import StrEnum
from shutil import get_terminal_size
from typing import Any, Final

import typer

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes what begins so for a formula, and a formula can send away what stands beside it (OWASP)."""

_GAP: Final = 2
"""Spaces between two columns."""


class Form(StrEnum):
    """How rows are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def form_of(as_json: bool, as_csv: bool) -> Form:
    """The form that these two options ask for."""
    if as_json and as_csv:
        raise typer.BadParameter("--json or --csv, not both")
    return Form.JSON if as_json else Form.CSV if as_csv else Form.TEXT


def printed(rows: Sequence[object], form: Form) -> Iterator[str]:
    """The lines of the output; as JSON one object a line, as CSV with a line of names first."""
    named = [_named(row) for row in rows]
    if form is Form.JSON:
        yield from (json.dumps(row, default=_text) for row in named)
    elif form is Form.CSV and named:
        yield from _csv(named)
    elif named:
        yield from _aligned(named)


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet reads as a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _named(row: object) -> Mapping[str, Any]:
    if is_dataclass(row) and not isinstance(row, type):
        return asdict(row)
    assert isinstance(row, Mapping)
    return row


def _csv(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for cells in (list(rows[0]), *([safe_cell(_text(value)) for value in row.values()] for row in rows)):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()


def _aligned(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table of the columns in which anything stands; one row below the other where it is wider than the screen."""
    columns = [name for name in rows[0] if any(_text(row[name]) for row in rows)]
    heads = [name.replace("_", " ").upper() for name in columns]
    table = [heads, *([_text(row[name]) or "-" for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + _GAP * len(widths) <= get_terminal_size().columns:
        for line in table:
            yield (" " * _GAP).join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        return
    name_width = max(map(len, heads))
    for line in table[1:]:
        yield from (f"{head.lower():<{name_width}}  {cell}" for head, cell in zip(heads, line, strict=True))
        yield ""


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
