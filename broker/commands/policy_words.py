"""What `handoff policy` prints: a pack, and the difference of two, in words that a privacy officer signs for."""

from collections.abc import Iterable, Iterator
from typing import Final

from broker.domain import group_sets
from broker.domain.pack import Basis, BreakGlass, PolicyPack, Safeguarding, Span
from broker.domain.pack_change import IN_FULL, KEPT, ROLES, SITUATIONS, Box, PackChange, Situation
from broker.domain.pack_rows import (
    BASIS_WORDS,
    FEEDBACK_WORDS,
    emergency_rows,
    feedback_rows,
    footing_rows,
    silent,
)
from broker.domain.policy_file import RECIPIENTS
from broker.domain.question import Phase
from broker.schemas.consent_vocabulary import GrantForm, Regime
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import OrgClass, Priority, Purpose, VictimAgreed

_PHASE: Final = {
    Phase.OFFER: "in an offer, before anybody has accepted",
    Phase.RELEASE: "to the provider that has accepted",
    Phase.FEEDBACK: "as word of what became of it, to the source",
}
_FORM: Final = {GrantForm.WRITTEN_WET: "a written release", GrantForm.ORAL_TEMPORARY: "an oral release"}
_UNRELEASED: Final = {
    one: (
        "her agreement without a release"
        if one.said is VictimAgreed.YES
        else "no answer, because nobody could ask her safely"
    )
    + (f", and a note of {one.note}" if one.note else "")
    + (" in an emergency" if one.emergency else "")
    for one in SITUATIONS
    if one.form is None
}


def change_lines(change: PackChange) -> Iterator[str]:
    """The difference in words: what more, what less, which limits."""
    if not (change.permits or change.forbids or change.limits):
        yield "Nothing would be decided otherwise."
    yield from _part("Would be permitted, and is not now:", "+", change.permits)
    yield from _part("Would no longer be permitted:", "-", change.forbids)
    if change.limits:
        yield "Limits and times:"
    for limit in change.limits:
        yield f"  {'+' if limit.looser else '~'} {limit.words}: {limit.before} → {limit.after}"


def unreleased_lines(boxes: Iterable[Box]) -> Iterator[str]:
    """What to look at twice: a victim service provider tells without a release (VAWA-01a)."""
    yield from _part("Look twice. Victim service providers would tell without a release (VAWA-01a):", "!", boxes)


def _part(title: str, sign: str, boxes: Iterable[Box]) -> Iterator[str]:
    lines = sorted({line: None for box in boxes for line in _box(box)})
    if lines:
        yield title
        yield from (f"  {sign} {line}" for line in lines)


def _box(box: Box) -> Iterator[str]:
    roles = [role for role in box.roles if role is not None]
    to = _some(box.recipients, OrgClass, "any organisation")
    ways = "; ".join(_PHASE[phase] for phase in Phase if phase in box.phases)
    as_role = f" as {_some(roles, ROLES, 'any provider')}" if roles else ""
    yield (
        f"{_some(box.disclosers, OrgClass, 'any organisation')} to {to}{as_role}, {ways}: "
        f"{_liberties(box.liberties)}, on {_situations(box.situations)}"
    )


def _liberties(found: frozenset[str]) -> str:
    """A group that goes goes for good unless it says otherwise."""
    told = []
    for group, facts in GROUPS.items():
        if group in found:
            once = "" if f"{group}{KEPT}" in found else ", for one check"
            told.append(f"{group} {facts.label}{once}")
        elif f"{group}{KEPT}" in found:
            told.append(f"{group} {facts.label} for good, not for one check only")
    return "; ".join(told) or (IN_FULL if IN_FULL in found else "")


def _situations(found: frozenset[Situation]) -> str:
    if found == frozenset(SITUATIONS):
        return "whatever she said"
    told = []
    told += [words for one, words in _UNRELEASED.items() if one in found]
    for form, words in _FORM.items():
        for named, reach in ((True, "that names it"), (False, "for its kind")):
            told += _releases([one for one in found if one.form is form and one.named is named], f"{words} {reach}")
    return ", or ".join(told)


def _releases(found: list[Situation], words: str) -> Iterator[str]:
    regimes = {one.regime for one in found if one.regime is not None}
    purposes = {one.purpose for one in found if one.regime is None}
    if regimes and (not purposes or purposes == set(Purpose)):
        yield words + ("" if regimes == set(Regime) else f" under {_some(regimes, Regime, '')}")
        return
    if regimes:
        yield f"{words} under {_some(regimes, Regime, '')}"
    if purposes:
        yield f"{words}, whatever its regime, for {_some(purposes, Purpose, 'any purpose')}"


def _some(found: Iterable[str], everything: Iterable[str], all_of_them: str) -> str:
    """A list in the vocabulary's order, or one word for all of it."""
    wanted, every = set(found), list(everything)
    if all_of_them and wanted == set(every):
        return all_of_them
    return ", ".join(one for one in every if one in wanted)


def pack_lines(pack: PolicyPack) -> Iterator[str]:
    """A pack in plain words: who may tell whom what, what sources hear, how long, how soon."""
    yield f"{pack.reference}  for {', '.join(sorted(pack.environments))} events"
    yield "Who may tell whom, on what:"
    yield from _footings(pack)
    if dumb := silent(pack):
        yield f"  {', '.join(dumb)}: nothing to anybody"
    yield "What a source hears of its referral:"
    yield from _heard(pack)
    yield f"Never received by: {', '.join(sorted(pack.prohibited_recipients))}"
    yield f"No release needs to list: {_groups(pack.without_consent)}"
    yield f"Where nobody could ask her, an offer says at most: {_groups(pack.not_asked)}"
    if pack.safeguarding is not None:
        yield from _notes(pack.safeguarding)
    if pack.break_glass is not None:
        yield from _emergencies(pack, pack.break_glass)
    yield f"A victim service provider's offer without a release: {_opaque(pack)}"
    oral = _hours(pack.oral_temporary.total_seconds())
    yield f"A release lasts at most {pack.max_release.days} days, an oral one {oral}"
    for purpose, length in pack.release_length.items():
        if length < pack.max_release:
            yield f"  for {purpose}: {length.days} days"
    for priority, timers in pack.timers.items():
        yield f"{priority}: {timers.parallel_offers} asked at once, " + ", ".join(_spans(pack, priority))
    yield _ladder(pack)


def _notes(told: Safeguarding) -> Iterator[str]:
    lasts, criteria = _hours(told.note_lasts.total_seconds()), ", ".join(sorted(told.criteria))
    ticks = f"by the list alone from {told.without_consent_ticks} ticks"
    yield f"A note of necessity counts for {lasts}, by {criteria}, {ticks}, for at most: {_groups(told.groups)}"


def _emergencies(pack: PolicyPack, told: BreakGlass) -> Iterator[str]:
    approved, reviewed = _hours(told.approved_within.total_seconds()), _hours(told.reviewed_within.total_seconds())
    lasts = _hours(told.lasts.total_seconds())
    yield f"In an emergency, for {lasts} at most, approved within {approved} and reviewed within {reviewed}:"
    for row in emergency_rows(pack):
        reasons = ", ".join(sorted(row.rule.reasons))
        yield (
            f"  {', '.join(row.by)} to {_some(row.to, OrgClass, 'anybody')}: {_groups(row.rule.groups)}, "
            f"for {reasons}  [{row.rule.rule}]"
        )


def _footings(pack: PolicyPack) -> Iterator[str]:
    for row in footing_rows(pack):
        basis, ceiling, rules = row.rule
        what = "" if basis in (Basis.PROHIBITED, Basis.TRAIL_ONLY) else f": {_groups(ceiling)}"
        to = _some(row.to, RECIPIENTS, "anybody")
        by = _some(row.by, OrgClass, "any organisation")
        yield f"  {by} to {to}, {BASIS_WORDS[basis]}{what}  [{', '.join(rules)}]"


def _heard(pack: PolicyPack) -> Iterator[str]:
    for row in feedback_rows(pack):
        to = _some(row.to, OrgClass, "any source")
        by = _some(row.by, OrgClass, "any provider")
        yield f"  of {by}, {to}: {FEEDBACK_WORDS[row.rule.allowance]}  [{', '.join(row.rule.rules)}]"


def _opaque(pack: PolicyPack) -> str:
    if not pack.vsp_opaque_offers:
        return "none"
    return f"{_groups(pack.opaque_offer)} in coarse form, in {', '.join(sorted(pack.common_languages))} alone"


def _groups(bits: int) -> str:
    if bits == group_sets.ALL:
        return "whatever the recipient needs"
    return ", ".join(f"{group} {GROUPS[FieldGroup(group)].label}" for group in group_sets.listed(bits)) or "nothing"


def _spans(pack: PolicyPack, priority: Priority) -> Iterator[str]:
    timers = pack.timers[priority]
    for words in ("delivered", "receipted", "decided", "contact", "outcome", "referral_expiry", "hold", "revocation"):
        span: Span = getattr(timers, words)
        length = f"{span.business_days} business days" if span.business_days else _hours(span.seconds)
        yield f"{words.replace('_', ' ')} within {length}"


def _ladder(pack: PolicyPack) -> str:
    told = pack.ladder
    number = told.fallback_number or "none"
    return (
        f"Reminded at {told.remind} %, on call at {told.on_call} % of the time to answer; a coordinator at"
        f" {told.coordinator} %, a number to fall back on ({number}) at {told.fallback} % of the time undecided"
    )


def _hours(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.0f} h"
