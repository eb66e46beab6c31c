"""Sets of field groups as bits of one number, so that a decision over all groups is a handful of integer operations.

A code that is not in the catalogue has no bit: it can be counted as present and can never be let through.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from broker.schemas.field_groups import GROUPS, FieldGroup, meant_by
from broker.schemas.vocabulary import Tier

_BIT: Final[dict[FieldGroup, int]] = {group: 1 << place for place, group in enumerate(GROUPS)}

ALL: Final[int] = (1 << len(GROUPS)) - 1


def mask(groups: Iterable[FieldGroup]) -> int:
    """The bits of those groups that the catalogue knows."""
    bits = 0
    for group in groups:
        bits |= _BIT.get(group, 0)
    return bits


def forbidden(codes: Iterable[FieldGroup]) -> int:
    """The bits of a denial: FG07 means FG07a to FG07e, and a code that nobody knows means everything."""
    bits = 0
    for code in codes:
        bits |= mask(meant_by(code)) or ALL
    return bits


UP_TO_TIER: Final[tuple[int, ...]] = tuple(
    mask(group for group, facts in GROUPS.items() if facts.tier <= tier) for tier in Tier
)
"""By tier: the groups of that tier or below."""


@lru_cache(maxsize=4096)
def present(groups: frozenset[FieldGroup]) -> tuple[int, tuple[FieldGroup, ...]]:
    """The bits of a message's groups, and the codes that the catalogue does not know."""
    return mask(groups), tuple(sorted(group for group in groups if group not in _BIT))


@lru_cache(maxsize=4096)
def groups_of(bits: int) -> frozenset[FieldGroup]:
    """The groups that these bits stand for."""
    return frozenset(group for group, bit in _BIT.items() if bits & bit)


@lru_cache(maxsize=4096)
def listed(bits: int) -> tuple[FieldGroup, ...]:
    """The groups that these bits stand for, in the catalogue's order."""
    return tuple(group for group, bit in _BIT.items() if bits & bit)
