"""No small count can be worked out from what is published, whoever sees it and knows the method."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

import pytest

from broker.domain.small_cells import SMALL_MAX, held_back, published

Table = tuple[int, ...]
NAMES = "abcd"


def alike(cells: int, count_max: int) -> Iterator[list[Table]]:
    """Every table of so many counts up to `count_max`, those together of which the same is published."""
    found: dict[object, list[Table]] = defaultdict(list)
    for counts in product(range(count_max + 1), repeat=cells):
        [told] = published([dict(zip(NAMES, counts, strict=False))])
        found[(tuple(told.cells.values()), told.total)].append(counts)
    yield from found.values()


@pytest.mark.parametrize(("cells", "count_max"), [(1, 60), (2, 60), (3, 53)])
def test_a_small_count_that_is_held_back_could_be_anything_from_one_to_ten(cells: int, count_max: int) -> None:
    """Asked of every table: whoever knows the method and sees what it lets through is no wiser."""
    asked = 0
    for tables in alike(cells, count_max):
        for place in range(cells):
            possible = {table[place] for table in tables}
            for table in tables:
                if 0 < table[place] <= SMALL_MAX and sum(table) <= count_max:
                    asked += 1
                    assert possible >= set(range(1, SMALL_MAX + 1)), table
    assert asked >= SMALL_MAX


def test_what_is_not_small_is_published() -> None:
    """Zero, too: nobody is behind it."""
    [told] = published([{"a": 11, "b": 0, "c": 400}])
    assert told.cells == {"a": 11, "b": 0, "c": 400}
    assert told.total == 411


def test_a_small_count_takes_a_larger_one_with_it() -> None:
    """Alone it would be the total less the others; which one goes depends on the table's order, not on its size."""
    assert held_back({"a": 100, "b": 3, "c": 40}) == frozenset("ab")
    assert held_back({"a": 12, "b": 3, "c": 40}) == frozenset("abc")


def test_where_too_little_is_left_nothing_is_published() -> None:
    """Not the total either, and not by another table of the same referrals."""
    for told in published([{"a": 3, "b": 12, "c": 0}, {"p": 15, "q": 0}]):
        assert told.total is None
        assert set(told.cells.values()) == {None}


def test_a_count_below_zero_is_an_error() -> None:
    """It would make others look larger than they are."""
    with pytest.raises(ValueError, match="below zero"):
        published([{"a": -1, "b": 30}])
