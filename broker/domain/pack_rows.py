"""What a policy pack says, row by row, those that it treats alike together: every telling of it is made of these."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from broker.domain.pack import Basis, Breakable, Feedback, FeedbackAllowance, Footing, PolicyPack
from broker.domain.policy_file import RECIPIENTS
from broker.schemas.vocabulary import OrgClass

Rule = TypeVar("Rule", Footing, Feedback, Breakable)

BASIS_WORDS: Final = {
    Basis.NONE: "by the survivor's own act",
    Basis.TREATMENT: "for treatment",
    Basis.STATUTE: "by its own statute or rule",
    Basis.SAFEGUARDING_SCH1_P18: "if the survivor agreed, or by a note of necessity (DPA 2018 Sch. 1 para. 18)",
    Basis.VITAL_INTERESTS: "if the survivor agreed, or by a note of vital interests",
    Basis.AGREEMENT: "if the survivor agreed",
    Basis.RELEASE: "with a release",
    Basis.FERPA_CONSENT: "with a consent under FERPA",
    Basis.AUTH_164_508: "with a HIPAA authorization (45 CFR 164.508)",
    Basis.TRAIL_ONLY: "codes, times and counts alone",
    Basis.PROHIBITED: "never by a referral",
}
FEEDBACK_WORDS: Final = {
    FeedbackAllowance.RECEIPT_ONLY: "receipt and closure alone, unless a release names the source",
    FeedbackAllowance.STATUS: "how it stands",
}


@dataclass(frozen=True, slots=True)
class Row(Generic[Rule]):
    """One rule, from whom and to whom it holds: in the vocabulary's order."""

    by: tuple[OrgClass, ...]
    to: tuple[str, ...]
    rule: Rule


def footing_rows(pack: PolicyPack) -> Iterator[Row[Footing]]:
    """Who may tell whom what, on which basis."""
    yield from _rows(pack.footings)


def feedback_rows(pack: PolicyPack) -> Iterator[Row[Feedback]]:
    """What providers (`by`) may tell sources (`to`) of their own accord."""
    yield from _rows(pack.feedback)


def emergency_rows(pack: PolicyPack) -> Iterator[Row[Breakable]]:
    """What may be opened in an emergency; none where the pack knows of none."""
    yield from _rows(pack.break_glass.ways if pack.break_glass is not None else {})


def silent(pack: PolicyPack) -> tuple[OrgClass, ...]:
    """Who may tell nobody anything."""
    return tuple(kind for kind in OrgClass if kind not in pack.footings)


def _rows(table: Mapping[str, Mapping[str, Rule]]) -> Iterator[Row[Rule]]:
    found: dict[tuple[Rule, frozenset[str]], list[OrgClass]] = {}
    for kind in OrgClass:
        for rule, others in _alike(table.get(kind, {})).items():
            found.setdefault((rule, others), []).append(kind)
    for (rule, others), kinds in found.items():
        yield Row(tuple(kinds), tuple(one for one in RECIPIENTS if one in others), rule)


def _alike(row: Mapping[str, Rule]) -> dict[Rule, frozenset[str]]:
    """Those of a row that have the same rule, together."""
    found: dict[Rule, list[str]] = {}
    for name, rule in row.items():
        found.setdefault(rule, []).append(name)
    return {rule: frozenset(names) for rule, names in found.items()}
