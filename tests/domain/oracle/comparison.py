"""Both opinions side by side: where `broker.domain` and Cedar differ, the matter's number and the question."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from broker.domain.consent import ConsentRef, ConsentTerms, Party, Phase, Question, decide, terms
from broker.domain.policy import PolicyPack, read_pack
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed
from tests.domain.oracle.cases import matter
from tests.domain.oracle.matter import Asked, Held, Matter, Opinion, Org
from tests.domain.oracle.opinion import opinions


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
        if ours != cedars:
            found.differences.append(
                Difference(number, place, ours, cedars, f"{decision.reason} {decision.basis} {asked}")
            )
