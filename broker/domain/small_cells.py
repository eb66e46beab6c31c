"""Which figures of a report may be published, so that no small count can be worked out (domain.md §14).

A count of 1 to 10 is not published. So that it does not follow from the total, larger counts are held back with it, in
the order of the table and never by their size: which ones were taken says nothing about how large they are. They are
enough when what is held back adds up to so much that each small count could still be anything from 1 to 10, for
somebody who knows this method, too. Where a table has not enough, nothing of the report is published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SMALL_MAX: Final = 10
"""The largest count that is never published; zero may be (CMS's cell size policy)."""

Counts = Mapping[str, int]
"""A table: counts by name, which add up to its total."""


@dataclass(frozen=True, slots=True)
class Published:
    """What may be told of one table: None stands for what is held back."""

    cells: Mapping[str, int | None]
    total: int | None


def published(tables: Iterable[Counts]) -> tuple[Published, ...]:
    """What may be told of these tables of one report, table by table.

    All of them or none: tables of the same referrals have the same total, and one would tell another's.

    Raises:
        ValueError: a count is below zero.
    """
    counted = tuple(tables)
    kept = [held_back(table) for table in counted]
    if None in kept:
        return tuple(Published(dict.fromkeys(table), None) for table in counted)
    return tuple(_told(table, names) for table, names in zip(counted, kept, strict=True) if names is not None)


def held_back(table: Counts) -> frozenset[str] | None:
    """The cells of a table that are held back where its total is told; None where the total cannot be told either."""
    if any(count < 0 for count in table.values()):
        raise ValueError("a count below zero")
    small = [name for name, count in table.items() if 0 < count <= SMALL_MAX]
    if not small:
        return frozenset()
    kept, together = set(small), sum(table[name] for name in small)
    for name, count in table.items():
        if count > SMALL_MAX:
            kept.add(name)
            together += count
            # Whatever the small ones were, the others could make up the rest and still each be larger than small.
            if together >= 2 * SMALL_MAX * len(small) + (SMALL_MAX + 1) * (len(kept) - len(small)):
                return frozenset(kept)
    return None


def _told(table: Counts, kept: frozenset[str]) -> Published:
    cells = {name: None if name in kept else count for name, count in table.items()}
    return Published(cells, sum(table.values()))
