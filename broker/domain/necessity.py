"""Minimum necessary: what a ground allows, cut down to what this kind of recipient needs (domain.md §7.4).

Steps 6 and 7 of §4.3. The outcome depends on nothing but its arguments, which repeat from referral to referral; so it
is remembered.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from broker.domain import group_sets
from broker.domain.ground import Reach
from broker.domain.pack import Basis, Column, PolicyPack
from broker.domain.question import Phase
from broker.domain.reasons import RULE, Reason
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import RecipientCategory, Tier

_NEVER: Final = group_sets.ALL & ~group_sets.UP_TO_TIER[Tier.HIGH_HARM]
_PART2: Final = group_sets.mask([FieldGroup("FG19")])
_ENVELOPE: Final = group_sets.mask([FieldGroup("FG00")])
_IN_OFFERS: Final = group_sets.UP_TO_TIER[Tier.QUASI_IDENTIFYING]
_NOTHING: Final = Column(allowed=0, required=0, once=0, never=0)


class Cut(NamedTuple):
    """What goes and what stays, with the reason for each group that stays; `reason` where nothing goes at all."""

    let_through: frozenset[FieldGroup]
    withheld: Mapping[FieldGroup, Reason]
    single_use: frozenset[FieldGroup]
    reason: Reason | None
    rules: tuple[str, ...]


@lru_cache(maxsize=4096)
def cut(
    groups: frozenset[FieldGroup],
    phase: Phase,
    category: RecipientCategory | None,
    reach: Reach,
    forbidden: int,
    pack: PolicyPack,
) -> Cut:
    """What of `groups` goes to a recipient of this category in this phase. `forbidden` are the bits of denials."""
    present, unknown = group_sets.present(groups)
    column = _column(phase, category, pack)
    barred = forbidden | _NEVER | (0 if pack.part2_enabled else _PART2)
    free = pack.without_consent if reach.released else 0
    let = present & column.allowed & ~barred & (reach.allowed | free)
    missing = present & column.required & ~let & ~pack.may_be_missing
    later = 0
    if phase == Phase.OFFER:
        offer = pack.columns["OFFER"]
        later = let & ~(offer.allowed & _IN_OFFERS)
        let &= ~later
        missing = (missing if reach.whole else 0) | (present & offer.required & ~let & ~pack.may_be_missing)
    withheld = _withheld(present & ~let, later, forbidden, column, reach, pack)
    withheld.update(dict.fromkeys(unknown, Reason.GROUP_UNKNOWN))
    reason = _useless(present, let, missing, forbidden, reach, pack)
    if reason is not None:
        withheld.update((group, reason) for group in group_sets.listed(let | later))
        let = 0
    rules = tuple(dict.fromkeys((*reach.rules, "§7.4", *[RULE[why] for why in withheld.values()])))
    single_use = group_sets.groups_of(let & column.once)
    return Cut(group_sets.groups_of(let), MappingProxyType(withheld), single_use, reason, rules)


def _column(phase: Phase, category: RecipientCategory | None, pack: PolicyPack) -> Column:
    """The recipient's column of §7.4; a recipient of no known kind gets nothing."""
    if phase == Phase.FEEDBACK:
        return pack.columns[RecipientCategory.SOURCE_FEEDBACK]
    return _NOTHING if category is None else pack.columns.get(category, _NOTHING)


def _useless(present: int, let: int, missing: int, forbidden: int, reach: Reach, pack: PolicyPack) -> Reason | None:
    """Step 7: nothing is sent rather than a part that the recipient cannot work with."""
    if reach.basis is Basis.TRAIL_ONLY:
        return None
    personal = present & ~pack.without_consent
    missing |= present & _ENVELOPE & ~let
    if not missing and (let & personal or not personal):
        return None
    return Reason.DENIED_BY_SURVIVOR if (missing or personal) & forbidden else Reason.INSUFFICIENT_SCOPE


def _withheld(
    rest: int, later: int, forbidden: int, column: Column, reach: Reach, pack: PolicyPack
) -> dict[FieldGroup, Reason]:
    """The reason for each group held back: the hardest that applies, so that nobody asks for consent in vain."""
    reasons: dict[FieldGroup, Reason] = {}
    for bits, reason in (
        (later, Reason.AFTER_ACCEPTANCE),
        (_NEVER, Reason.NEVER_TRANSIT),
        (0 if pack.part2_enabled else _PART2, Reason.PART2_NOT_SUPPORTED),
        (forbidden, Reason.DENIED_BY_SURVIVOR),
        (column.never, Reason.NEVER_FOR_RECIPIENT),
        (~column.allowed, Reason.NOT_NECESSARY),
        (~reach.scope, reach.beyond),
        (group_sets.ALL, Reason.TIER_TOO_HIGH),
    ):
        reasons.update(dict.fromkeys(group_sets.listed(rest & bits), reason))
        rest &= ~bits
    return reasons
