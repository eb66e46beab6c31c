"""Quarters of the year, UTC: the time that a public report is about, once it is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One quarter: `Quarter(2026, 3)` is July to September."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The quarter in which a moment (aware) lies."""
        there = moment.astimezone(UTC)
        return cls(there.year, (there.month + 2) // 3)

    @property
    def begins(self) -> datetime:
        """Its first moment, UTC."""
        return datetime(self.year, self.number * 3 - 2, 1, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it, UTC."""
        return self.after.begins

    @property
    def after(self) -> "Quarter":
        """The next one."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> "Quarter":
        """The one before."""
        return Quarter(self.year - (self.number == 1), (self.number + 2) % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


def over(first: datetime, now: datetime, count_max: int) -> Iterator[Quarter]:
    """The latest quarters that are over at `now` and not before that of `first`, the latest first."""
    one = Quarter.of(now).before
    for _ in range(count_max):
        if one < Quarter.of(first):
            return
        yield one
        one = one.before
