"""How long, how many, what may be missing: the limits of a policy pack that no case shows, compared one by one."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Final, NamedTuple

from broker.domain import group_sets
from broker.domain.pack import BreakGlass, PolicyPack, Safeguarding, Span, Timers
from broker.schemas.code_list import CodeList
from broker.schemas.necessity import DASH_TICKS_MAX
from broker.schemas.vocabulary import Priority, Purpose, RiskBand


class Limit(NamedTuple):
    """A figure or a list of the pack that no case shows. `looser` says whether the change lets more through."""

    words: str
    before: str
    after: str
    looser: bool


class _Loosens(CodeList):
    """In which direction a limit lets more through."""

    MORE = "MORE"
    LESS = "LESS"
    NEVER = "NEVER"


class _Reading(NamedTuple):
    """One limit as a pack has it: a figure or a set."""

    words: str
    value: timedelta | int | frozenset[str]
    loosens: _Loosens


def limits_moved(old: PolicyPack, new: PolicyPack) -> Iterator[Limit]:
    """Each limit that is another one under `new`."""
    for before, after in zip(_read(old), _read(new), strict=True):
        if before.value != after.value:
            yield Limit(before.words, _shown(before.value), _shown(after.value), _is_looser(before, after))


def _is_looser(before: _Reading, after: _Reading) -> bool:
    if before.loosens is _Loosens.NEVER:
        return False
    strict, loose = (before, after) if before.loosens is _Loosens.MORE else (after, before)
    if isinstance(strict.value, frozenset) and isinstance(loose.value, frozenset):
        return not loose.value <= strict.value
    return loose.value > strict.value  # type: ignore[operator]


def _read(pack: PolicyPack) -> Iterator[_Reading]:
    """Every limit of a pack. What only says when somebody is reminded loosens nothing."""
    more, less, never = _Loosens
    yield _Reading("environments", frozenset(pack.environments), more)
    yield _Reading("longest release", pack.max_release, more)
    for purpose in Purpose:
        yield _Reading(f"longest release for {purpose}", pack.release_length[purpose], more)
    yield _Reading("longest oral release", pack.oral_temporary, more)
    yield _Reading("difference of clocks, counted against disclosure", pack.clock_skew, less)
    yield _Reading("a count of free places is fresh for", pack.capacity_fresh, never)
    yield _Reading("who never receives anything", pack.prohibited_recipients, less)
    yield _Reading("languages that a coarse offer may name", pack.common_languages, more)
    yield from _read_notes(pack.safeguarding)
    yield from _read_emergencies(pack.break_glass)
    yield _Reading("groups that no release needs to list", _groups(pack.without_consent), more)
    for name, column in pack.columns.items():
        needed = _groups(column.required & ~pack.may_be_missing)
        yield _Reading(f"groups without which nothing goes ({name})", needed, less)
    for priority, timers in pack.timers.items():
        yield from _read_timers(priority, timers)
    for step in fields(pack.ladder):
        told = str(getattr(pack.ladder, step.name) or "none")
        yield _Reading(f"ladder: {step.name.replace('_', ' ')}", frozenset({told}), never)
    for band in RiskBand:
        floor = pack.risk.bands.get(band)
        yield _Reading(f"a risk screen of {band} raises to", frozenset({floor} if floor else ()), never)
    yield _Reading("a screen above its threshold raises to", frozenset({pack.risk.screened_in}), never)
    yield _Reading("with nowhere safe tonight, to", frozenset({pack.risk.screened_in_unsafe_tonight}), never)


def _read_emergencies(told: BreakGlass | None) -> Iterator[_Reading]:
    nothing = timedelta(0)
    yield _Reading("an emergency lasts", nothing if told is None else told.lasts, _Loosens.MORE)
    yield _Reading("it is approved within", nothing if told is None else told.approved_within, _Loosens.MORE)
    yield _Reading("it is reviewed within", nothing if told is None else told.reviewed_within, _Loosens.MORE)
    ways = {} if told is None else told.ways
    reasons = {
        f"{discloser} to {recipient} for {reason} ({opened.basis})"
        for discloser, row in ways.items()
        for recipient, opened in row.items()
        for reason in opened.reasons
    }
    yield _Reading("emergencies", frozenset(reasons), _Loosens.MORE)


def _read_notes(told: Safeguarding | None) -> Iterator[_Reading]:
    """A pack that knows no note of necessity has none that lasts, and a threshold above every count."""
    lasts, criteria = (timedelta(0), frozenset[str]()) if told is None else (told.note_lasts, told.criteria)
    ticks = DASH_TICKS_MAX + 1 if told is None else told.without_consent_ticks
    yield _Reading("a note of necessity counts for", lasts, _Loosens.MORE)
    yield _Reading("what puts a case above the threshold", frozenset(criteria), _Loosens.MORE)
    yield _Reading("ticks from which she need not be asked", ticks, _Loosens.LESS)


_LOOSENING_TIMERS: Final = frozenset({"revocation", "contact_fresh_hours", "parallel_offers"})
"""How long an answer to what was taken back may take, how old a safe contact may be, how many are asked at once."""


def _read_timers(priority: Priority, timers: Timers) -> Iterator[_Reading]:
    for timer in fields(timers):
        value = getattr(timers, timer.name)
        if isinstance(value, Span):
            value = timedelta(seconds=value.seconds, days=value.business_days)
        loosens = _Loosens.MORE if timer.name in _LOOSENING_TIMERS else _Loosens.NEVER
        yield _Reading(f"{priority}: {timer.name.replace('_', ' ')}", value, loosens)


def _groups(bits: int) -> frozenset[str]:
    return frozenset(group_sets.listed(bits))


def _shown(value: timedelta | int | frozenset[str]) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    if isinstance(value, int):
        return str(value)
    whole_days = value.days if value == timedelta(days=value.days) and value else 0
    return f"{whole_days} days" if whole_days else f"{value.total_seconds():.0f} s"
