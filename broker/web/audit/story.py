"""The story of a referral as a page tells it: what happened in order, each act with its answers of the gate, in words.

Entries that one event brought about stand together. What was altered keeps its place and says nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from broker import telling
from broker.called import KINDS, STEPS, ladder
from broker.look.language import _
from broker.look.pictures import Rung
from broker.look.words import span, utc
from broker.rulings import Ruling, rulings_of
from broker.schemas.vocabulary import Acknowledgment, NeedState, OfferState, RecipientCategory
from broker.store.asking import moment_of
from broker.store.questions import TrailLine
from broker.trail.entries import Step


@dataclass(frozen=True, slots=True)
class Telling:
    """One entry in words. `gist` is what it is about, in a line; `facts` is all that it says."""

    number: int
    place: int | None
    kind: str
    what: str
    sound: bool = True
    gist: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    rulings: tuple[Ruling, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """What one event brought about: who, when (UTC), how long after the referral's beginning, and the entries."""

    at: datetime
    after: str
    actor: str
    tellings: tuple[Telling, ...]


@dataclass(frozen=True, slots=True)
class NeedLadder:
    """How far one need has come."""

    need: str
    rungs: tuple[Rung, ...]


_GIST: Final = ("need", "provider", "recipient", "way", "to", "reason", "why", "outcome", "owed", "level", "owner")
_RULED: Final = frozenset(
    {"recipient", "effect", "reason", "rules", "basis", "consents", "policy", "obligations", "candidates", "released"}
)
"""What an answer of the gate says already."""
_READINGS: Final = frozenset({Step.TRAIL_READ.value, Step.RECORDS_READ.value})
"""Told by number in the compact story: it is about her referral, not about who reads of it."""


def acts(lines: Sequence[TrailLine], *, readings: bool) -> Iterator[Act]:
    """The acts in order; `readings`: those who read of it, too."""
    begun = lines[0].at if lines else None
    wanted = [line for line in lines if readings or line.kind not in _READINGS or not line.sound]
    for (at, actor, _cause), together in groupby(wanted, _together):
        after = span(at - begun) if begun is not None and at - begun >= timedelta(seconds=1) else ""
        yield Act(at, after, actor, tuple(map(_telling, together)))


def readings_in(lines: Iterable[TrailLine]) -> int:
    """How many of the entries only say that somebody read."""
    return sum(line.sound and line.kind in _READINGS for line in lines)


def _together(line: TrailLine) -> tuple[datetime, str, str | None]:
    if not line.sound:
        return line.at, _("unknown"), str(line.idx)
    return moment_of(line), str(line.facts.get("actor")), line.facts.get("cause")


def _telling(line: TrailLine) -> Telling:
    if not line.sound:
        return Telling(line.idx, line.place, line.kind, _("This entry was altered"), sound=False)
    rulings = tuple(rulings_of([line]))
    facts = {name: told for name, told in telling.plain_facts(line) if not rulings or name not in _RULED}
    return Telling(
        number=line.idx,
        place=line.place,
        kind=line.kind,
        what=telling.step(line.kind),
        gist=" · ".join(_gist(facts)),
        facts=tuple(facts.items()),
        rulings=rulings,
    )


def _gist(facts: Mapping[str, str]) -> Iterator[str]:
    for name in _GIST:
        if name == "to" and "rung" in facts and facts["from"] == facts["to"]:
            yield _(STEPS[Acknowledgment(facts["rung"])])
        elif name in facts:
            yield f"{facts['from']} → {facts['to']}" if name == "to" and "from" in facts else facts[name]


# --- the ladder ------------------------------------------------------------------------------------------------------

_BY_STATE: Final = {
    NeedState.ENGAGED: Acknowledgment.A4_CONTACT,
    NeedState.IN_SERVICE: Acknowledgment.A5_SERVICE,
    NeedState.COMPLETED: Acknowledgment.A6_OUTCOME,
    NeedState.ENDED_EARLY: Acknowledgment.A6_OUTCOME,
}
_BY_ANSWER: Final = {
    OfferState.RECEIPTED: Acknowledgment.A2_RECEIPTED,
    OfferState.ACCEPTED: Acknowledgment.A3_DECIDED,
    OfferState.DECLINED: Acknowledgment.A3_DECIDED,
}
_OVER: Final = frozenset(
    {
        *(NeedState.UNREACHABLE, NeedState.SURVIVOR_DECLINED, NeedState.CLOSED_UNMET, NeedState.CANCELLED),
        *(NeedState.REVOKED, NeedState.EXPIRED, NeedState.ENTERED_IN_ERROR, NeedState.INVALID),
    }
)


def ladders(lines: Iterable[TrailLine]) -> tuple[NeedLadder, ...]:
    """A ladder for each need that the referral came in with, from what may be believed of its trail."""
    needs: dict[str, dict[Acknowledgment, datetime]] = {}
    ends: dict[str, str] = {}
    offers: dict[str, str] = {}
    for line in lines:
        if line.sound:
            _climb(line, needs, ends, offers)
    return tuple(
        NeedLadder(_(KINDS[RecipientCategory(need)]), _rungs(reached, ends.get(need)))
        for need, reached in needs.items()
    )


def _climb(
    line: TrailLine,
    needs: dict[str, dict[Acknowledgment, datetime]],
    ends: dict[str, str],
    offers: dict[str, str],
) -> None:
    """Take one entry into account; `offers` is to which need each offer belongs."""
    facts, at = line.facts, moment_of(line)
    match line.kind:
        case Step.REFERRAL_SUBMITTED:
            needs.update({need: {Acknowledgment.A0_ACCEPTED: at} for need in facts["needs"]})
        case Step.OFFERS_MADE:
            offers.update({offer["offer"]: facts["need"] for offer in facts["offers"]})
        case Step.OFFER_MOVED if facts["offer"] in offers:
            rung = facts.get("rung") or _BY_ANSWER.get(facts["to"])
            if rung is not None:
                needs.setdefault(offers[facts["offer"]], {}).setdefault(Acknowledgment(rung), at)
        case Step.NEED_MOVED if "way" in facts:
            reached = needs.setdefault(facts["need"], {})
            for state in facts["way"]:
                if state in _BY_STATE:
                    reached.setdefault(_BY_STATE[state], at)
            ends[facts["need"]] = facts["way"][-1]


def _rungs(reached: Mapping[Acknowledgment, datetime], state: str | None) -> tuple[Rung, ...]:
    return ladder({one: utc(at) for one, at in reached.items()}, state if state in _OVER else None)
