"""When something may be shared that the survivor could not be asked about: a recorded note of necessity, as law has it.

United Kingdom only (DPA 2018 Schedule 1 paragraph 18, D15, domain.md §2.1, §3, §6.3). Consent is preferred: a note
counts only where nobody could ask her safely, never against her no, her exclusions or a release that she has signed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from broker.domain import group_sets
from broker.domain.pack import Basis, PolicyPack, Safeguarding
from broker.schemas.necessity import HighRiskCriterion, NecessityNote, WhyNotAsked


@dataclass(frozen=True, slots=True)
class _Law:
    grounds: frozenset[WhyNotAsked]
    threshold: bool


BASES: Final = {
    Basis.SAFEGUARDING_SCH1_P18: _Law(frozenset(WhyNotAsked), threshold=True),
    Basis.VITAL_INTERESTS: _Law(frozenset({WhyNotAsked.CANNOT_BE_GIVEN}), threshold=False),
}
"""The bases that a note can serve, the grounds that each knows, and whether it asks for the threshold."""


def reached_by(note: NecessityNote | None, basis: Basis, now: datetime, pack: PolicyPack) -> int:
    """The bits of the groups that the note lets go on this basis at `now`; none where it does not hold.

    What no consent needs to list (ids, times, the worker's own number), no note does.
    """
    law, rules = BASES.get(basis), pack.safeguarding
    if note is None or law is None or rules is None or note.basis != basis.name:
        return 0
    if not note.proportionate or note.why not in law.grounds or not _fresh(note, now, rules, pack.clock_skew):
        return 0
    if law.threshold and not _above_threshold(note, rules):
        return 0
    noted = group_sets.mask(note.field_groups) & rules.groups
    return noted | pack.without_consent if noted else 0


def _fresh(note: NecessityNote, now: datetime, rules: Safeguarding, skew: timedelta) -> bool:
    """A note is for the danger of the moment: it wears out, and one from the future is none."""
    return note.recorded_at <= now - skew and now + skew < note.recorded_at + rules.note_lasts


def _above_threshold(note: NecessityNote, rules: Safeguarding) -> bool:
    if note.criterion not in rules.criteria:
        return False
    return note.criterion is not HighRiskCriterion.VISIBLE_HIGH_RISK or (note.ticks or 0) >= rules.without_consent_ticks
