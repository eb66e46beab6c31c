"""The policy pack in force in plain words, read off the pack: nothing of what is said here is kept by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from broker.called import STEPS, URGENCIES
from broker.domain import group_sets
from broker.domain.pack import Basis, Footing, PolicyPack, Span, Timers
from broker.domain.pack_rows import BASIS_WORDS, FEEDBACK_WORDS, emergency_rows, feedback_rows, footing_rows, silent
from broker.domain.policy_file import RECIPIENTS
from broker.look import locales
from broker.look.language import _, counted
from broker.look.pictures import Moment, Point, Rung, Standing, points
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import Acknowledgment, OrgClass, Priority
from broker.web.pages.words import organisations

_LENGTHS = {
    Acknowledgment.A1_DELIVERED: "delivered",
    Acknowledgment.A2_RECEIPTED: "receipted",
    Acknowledgment.A3_DECIDED: "decided",
    Acknowledgment.A4_CONTACT: "contact",
    Acknowledgment.A6_OUTCOME: "outcome",
}
_USUAL_WORK_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Way:
    """Who may tell whom, on which basis, what at most, and the rule that says so."""

    by: str
    to: str
    basis: str
    what: str
    rules: str


@dataclass(frozen=True, slots=True)
class Promise:
    """How soon one step is owed, by urgency."""

    step: str
    lengths: tuple[str, ...]


def ways(pack: PolicyPack) -> Iterator[Way]:
    """The basis table, those who are alike together."""
    for row in footing_rows(pack):
        by, to = organisations(row.by, OrgClass), organisations(row.to, RECIPIENTS)
        yield Way(by, to, _(BASIS_WORDS[row.rule.basis]), _what(row.rule), ", ".join(row.rule.rules))
    if nobody := silent(pack):
        yield Way(organisations(nobody), _("nobody"), _("no basis at all"), "", "")


def _what(footing: Footing) -> str:
    return "" if footing.basis in (Basis.PROHIBITED, Basis.TRAIL_ONLY) else _groups(footing.ceiling)


def _groups(bits: int) -> str:
    if bits == group_sets.ALL:
        return _("whatever the recipient needs")
    return "; ".join(_(GROUPS[FieldGroup(group)].label) for group in group_sets.listed(bits))


def sentences(pack: PolicyPack) -> Iterator[str]:
    """What matters most of a pack to whoever it protects."""
    days, oral = locales.length(pack.max_release), locales.length(pack.oral_temporary)
    yield _("A permission to share lasts %(days)s at most; one given by word of mouth %(oral)s.") % {
        "days": days,
        "oral": oral,
    }
    written = organisations(kind for kind in OrgClass if pack.written_only(kind))
    if written:
        yield _("In writing only, where the source is one of these: %(sources)s.") % {"sources": written}
    named = organisations(kind for kind in OrgClass if pack.named_only(kind))
    if named:
        yield _("It must name each organisation, where the source is one of these: %(sources)s.") % {"sources": named}
    yield _("Never given anything: %(outsiders)s.") % {"outsiders": organisations(sorted(pack.prohibited_recipients))}
    yield _("Where nobody could ask her safely, a provider is told at most: %(what)s.") % {
        "what": _groups(pack.not_asked)
    }
    for row in feedback_rows(pack):
        yield _("What %(providers)s tell those who asked: %(what)s.") % {
            "providers": organisations(row.by),
            "what": _(FEEDBACK_WORDS[row.rule.allowance]),
        }
    yield from _emergencies(pack)


def _emergencies(pack: PolicyPack) -> Iterator[str]:
    told = pack.break_glass
    if told is None:
        yield _("There is no way around her consent in an emergency.")
        return
    yield _(
        "In an emergency in which she cannot be asked, for %(lasts)s at most; a second person approves it within"
        " %(approved)s, and it is reviewed within %(reviewed)s. Never against her no."
    ) % {
        "lasts": locales.length(told.lasts),
        "approved": locales.length(told.approved_within),
        "reviewed": locales.length(told.reviewed_within),
    }
    for row in emergency_rows(pack):
        yield _("In such an emergency %(sources)s may tell %(recipients)s: %(what)s.") % {
            "sources": organisations(row.by),
            "recipients": organisations(row.to),
            "what": _groups(row.rule.groups),
        }


def promises(pack: PolicyPack) -> tuple[Promise, ...]:
    """How soon each step is owed."""
    return tuple(
        Promise(_(STEPS[step]), tuple(said(_span(pack.timers[one], step)) for one in Priority)) for step in _LENGTHS
    )


def urgencies() -> tuple[str, ...]:
    """What the columns of the promises are called."""
    return tuple(_(URGENCIES[one]) for one in Priority)


def rungs(pack: PolicyPack, priority: Priority = Priority.P1) -> tuple[Rung, ...]:
    """The ladder of acknowledgments as what it promises, for one urgency."""
    timers = pack.timers[priority]
    return tuple(
        Rung(step.value, _(words), Standing.OPEN, _within(timers, step) if step in _LENGTHS else "")
        for step, words in STEPS.items()
    )


def first_days(pack: PolicyPack, priority: Priority = Priority.P1) -> tuple[Point, ...]:
    """The promises of one urgency on a line of time."""
    timers = pack.timers[priority]
    return points(Moment(_length(_span(timers, step)), _(STEPS[step]), said(_span(timers, step))) for step in _LENGTHS)


def said(span: Span) -> str:
    """A span as people say it."""
    if span.business_days:
        return counted("%(number)s business day", "%(number)s business days", span.business_days)
    return locales.length(timedelta(seconds=span.seconds))


def _within(timers: Timers, step: Acknowledgment) -> str:
    return _("within %(length)s") % {"length": said(_span(timers, step))}


def _span(timers: Timers, step: Acknowledgment) -> Span:
    span: Span = getattr(timers, _LENGTHS[step])
    return span


def _length(span: Span) -> timedelta:
    return timedelta(seconds=span.seconds) + span.business_days * _USUAL_WORK_DAY
