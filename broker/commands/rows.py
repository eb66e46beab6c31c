"""Prints rows as a person, a program or a spreadsheet wants them."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from shutil import get_terminal_size
from typing import Any, Final

import typer

from broker.sheets import cell, csv_lines, json_lines, named

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
    if form is Form.JSON:
        yield from json_lines(rows)
    elif form is Form.CSV:
        yield from csv_lines(rows)
    elif rows:
        yield from _aligned([named(row) for row in rows])


def _aligned(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table of the columns in which anything stands; one row below the other where it is wider than the screen."""
    columns = [name for name in rows[0] if any(cell(row[name]) for row in rows)]
    heads = [name.replace("_", " ").upper() for name in columns]
    table = [heads, *([cell(row[name]) or "-" for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + _GAP * len(widths) <= get_terminal_size().columns:
        for line in table:
            yield (" " * _GAP).join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        return
    name_width = max(map(len, heads))
    for line in table[1:]:
        yield from (f"{head.lower():<{name_width}}  {text}" for head, text in zip(heads, line, strict=True))
        yield ""
