"""Pictures of plain facts: a ladder of steps, a timeline, bars with their numbers. `pictures.html` draws them.

Nothing is told by a picture alone: each has its words and numbers beside it, and colour repeats what form says. They
need no script and no style of their own page, and work in print, dark, and in the colours that a person has forced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import log1p
from typing import Final

WIDTH: Final = 320.0
"""Of a timeline, in its own units: one is a pixel on the narrowest screen."""
_MARGIN: Final = 16.0
_GAP_MIN: Final = 27.0
"""Between two points, so that their numbers do not touch."""


class Standing(StrEnum):
    """Where one step of a ladder stands."""

    DONE = "done"
    NOW = "now"
    OPEN = "open"
    ENDED = "ended"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: its mark (`A3`), its name, where it stands, and what is known of it, such as when."""

    mark: str
    name: str
    standing: Standing
    told: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something on a timeline: how long after its beginning, what it is, and how its time is said."""

    after: timedelta
    name: str
    told: str


@dataclass(frozen=True, slots=True)
class Point:
    """A moment where it is drawn, `x` from the left."""

    x: float
    moment: Moment


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is about, its length from 0 to 100, None where that is held back, and its number in words."""

    name: str
    length: float | None
    told: str


def points(moments: Iterable[Moment]) -> tuple[Point, ...]:
    """The moments in their order, the first at the left and the last at the right end, never too close to be read.

    The scale is logarithmic: minutes and months stand on one line.

    Raises:
        ValueError: there are more than the line has room for.
    """
    listed = sorted(moments, key=lambda moment: moment.after)
    room = WIDTH - 2 * _MARGIN
    if (len(listed) - 1) * _GAP_MIN > room:
        raise ValueError("more moments than a timeline has room for")
    scale = [log1p(moment.after.total_seconds() / 60) for moment in listed]
    span = scale[-1] if scale and scale[-1] else 1.0
    places = _apart([_MARGIN + room * one / span for one in scale])
    return tuple(Point(round(x, 1), moment) for x, moment in zip(places, listed, strict=True))


def _apart(places: Sequence[float]) -> list[float]:
    """These places, in rising order, moved apart where they are too close, within the line."""
    moved: list[float] = []
    for x in places:
        moved.append(max(x, moved[-1] + _GAP_MIN) if moved else x)
    limit = WIDTH - _MARGIN
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - _GAP_MIN
    return moved


def bars(rows: Iterable[tuple[str, int | None, str]]) -> tuple[Bar, ...]:
    """Bars for these rows of a name, a number (None where it is held back) and how that is said: the largest is 100."""
    listed = list(rows)
    most = max((count for _, count, _ in listed if count is not None), default=0)
    return tuple(
        Bar(name, None if count is None else round(100 * count / most, 1) if most else 0.0, told)
        for name, count, told in listed
    )
