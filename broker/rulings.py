"""What the gate has ruled about a referral, and what was destroyed of it: read from the entries of its trail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broker.domain.consent import Effect, Phase
from broker.store.questions import TrailLine
from broker.trail.entries import Step


@dataclass(frozen=True, slots=True)
class Ruling:
    """One answer of the gate about one recipient. `at` is UTC; `step` is the entry of the trail, None if asked now.

    `effect` is None where the trail keeps the reason alone: a candidate that was passed over. `let_through` is None
    where it does not say groups.
    """

    at: datetime
    step: Step | None
    phase: Phase
    recipient: str
    need: str
    effect: Effect | None
    reason: str | None
    let_through: tuple[str, ...] | None
    withheld: Mapping[str, str]
    rules: tuple[str, ...]
    consents: tuple[str, ...]
    policy: str
    obligations: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Of what the broker held sealed, one destruction: whose wrapped keys, which groups' keys and ciphertexts, why."""

    at: datetime
    keys_of: tuple[str, ...]
    keys: tuple[str, ...]
    ciphertexts: tuple[str, ...]
    because: tuple[str, ...]


_PHASES: Final = {
    Step.OFFERS_MADE: Phase.OFFER,
    Step.REFERRAL_HELD: Phase.OFFER,
    Step.DISCLOSURE_RELEASED: Phase.RELEASE,
    Step.DISCLOSURE_DENIED: Phase.RELEASE,
    Step.RECIPIENT_NAMED: Phase.RELEASE,
    Step.FEEDBACK_DECIDED: Phase.FEEDBACK,
}
"""The steps of the trail that a decision is written in."""


def rulings_of(lines: Iterable[TrailLine]) -> list[Ruling]:
    """Every decision that the entries of one referral tell of, in their order."""
    policy = ""
    found: list[Ruling] = []
    for line in lines:
        policy = str(line.facts.get("policy") or policy)
        if line.kind in _PHASES:
            found += _told(line, Step(line.kind), policy)
    return found


def destroyed_of(lines: Iterable[TrailLine]) -> list[Destroyed]:
    """Every destruction that the entries of one referral tell of, in their order."""
    return [
        Destroyed(
            datetime.fromisoformat(line.facts["at"]),
            *(tuple(line.facts.get(name, ())) for name in ("keysOf", "keys", "ciphertexts", "because")),
        )
        for line in lines
        if line.kind == Step.PAYLOAD_SHREDDED
    ]


def _told(line: TrailLine, step: Step, policy: str) -> Iterator[Ruling]:
    facts = line.facts
    if "recipient" in facts:
        yield _ruling(line, step, facts, policy)
    for offer in facts.get("offers", ()):
        yield _ruling(line, step, offer, policy)
    for org, reason in {**facts.get("passedOver", {}), **facts.get("candidates", {})}.items():
        yield _ruling(line, step, {"recipient": org, "reason": reason}, policy)


def _ruling(line: TrailLine, step: Step, facts: Mapping[str, Any], policy: str) -> Ruling:
    effect = facts.get("effect")
    if step is Step.FEEDBACK_DECIDED:
        effect = Effect.PERMIT if facts["released"] else Effect.DENY
    through = facts.get("letThrough")
    return Ruling(
        at=datetime.fromisoformat(line.facts["at"]),
        step=step,
        phase=_PHASES[step],
        recipient=facts["recipient"],
        need=line.facts["need"],
        effect=None if effect is None else Effect(effect),
        reason=facts.get("reason"),
        let_through=None if through is None else tuple(facts.get("groups", through)),
        withheld=facts.get("withheld", {}),
        rules=tuple(facts.get("rules", ())),
        consents=tuple(facts.get("consents", ())),
        policy=policy,
        obligations=facts.get("obligations", {}),
    )
