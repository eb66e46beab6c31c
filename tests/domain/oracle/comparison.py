"""Both opinions side by side: where `broker.domain` and Cedar differ, the matter's number and the question."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from broker.domain.consent import ConsentRef, ConsentTerms, Effect, Party, Phase, Question, decide, terms
from broker.domain.policy import PolicyPack, read_pack
from broker.domain.question import Emergency
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.necessity import HighRiskCriterion, NecessityBasis, NecessityNote, WhyNotAsked
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed
from tests.domain.oracle.cases import matter
from tests.domain.oracle.matter import Asked, Held, Matter, Note, Opinion, Org
from tests.domain.oracle.opinion import opinions

_GLASS = BreakGlassId("bgl-6f3a1c7e-90f2-4a55-8d0c-2d1f0b9e7a44")


@dataclass(frozen=True, slots=True)
class Difference:
    """One question that the two answer differently."""

    number: int
    place: int
    ours: Opinion
    cedars: Opinion
    because: str
    """Our reason, and what both were asked."""


@dataclass(slots=True)
class Comparison:
    """What was compared: how many answers of each kind, and the differences."""

    effects: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    bases: Counter[str] = field(default_factory=Counter)
    """Of what was permitted: on which basis."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def decisions(self) -> int:
        """How many decisions were compared."""
        return self.effects.total()


@cache
def pack_of(text: str) -> PolicyPack:
    """A pack, read once."""
    return read_pack(text.encode())


def _party(org: Org) -> Party:
    category = None if org.category is None else RecipientCategory(org.category)
    return Party(OrgId(org.org), OrgClass(org.org_class), category, org.areas)


def terms_of(version: Held) -> ConsentTerms:
    """A consent as `decide` reads it."""
    record = ConsentRecord.model_validate(version.document)
    return terms(record, status=version.status).used(version.uses, ended=version.event_passed)


def question_of(asked: Asked) -> Question:
    """A question as `decide` is asked it."""
    cited = None if asked.cited is None else ConsentRef(ConsentId(asked.cited[0]), asked.cited[1])
    return Question(
        Phase(asked.phase),
        _party(asked.discloser),
        _party(asked.recipient),
        Purpose(asked.purpose),
        frozenset(map(FieldGroup, asked.groups)),
        cited,
        VictimAgreed(asked.victim_agreed),
        frozenset(map(OrgId, asked.excluded)),
        None if asked.note is None else _note(asked.note),
        None if asked.emergency is None else Emergency(_GLASS, frozenset(map(FieldGroup, asked.emergency))),
    )


def _note(note: Note) -> NecessityNote:
    return NecessityNote(
        basis=NecessityBasis(note.basis),
        why=WhyNotAsked(note.why),
        criterion=HighRiskCriterion(note.criterion),
        ticks=note.ticks,
        proportionate=True,
        field_groups=tuple(map(FieldGroup, sorted(note.groups))),
        recorded_at=note.recorded_at,
        note_ref="note-6f3a1c7e-90f2-4a55-8d0c-2d1f0b9e7a44",
    )


def compare(numbers: Iterable[int], into: Comparison | None = None) -> Comparison:
    """Ask both about the matters of these numbers."""
    found = Comparison() if into is None else into
    for number in numbers:
        _compare(number, matter(number), found)
    return found


def _compare(number: int, case: Matter, found: Comparison) -> None:
    known = [terms_of(version) for version in case.held]
    pack = pack_of(case.pack_text)
    for place, (asked, cedars) in enumerate(zip(case.asked, opinions(case), strict=True)):
        decision = decide(question_of(asked), known, asked.now, pack)
        ours = Opinion(decision.effect.value, frozenset(decision.let_through))
        found.effects[ours.effect] += 1
        found.reasons[decision.reason.value if decision.reason else "PERMIT"] += 1
        if decision.effect is Effect.PERMIT and decision.basis is not None:
            found.bases[decision.basis.name] += 1
        if ours != cedars:
            found.differences.append(
                Difference(number, place, ours, cedars, f"{decision.reason} {decision.basis} {asked}")
            )
