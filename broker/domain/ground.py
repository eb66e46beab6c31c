"""What a disclosure rests on: the basis for the pair of organisations, and the survivor's consents in force.

Steps 3 to 5 of domain.md §4.3. The consents' exclusions and denials are read here too; they outrank every permit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.domain import group_sets
from broker.domain.pack import VICTIM_SERVICE_PROVIDERS, Basis, FeedbackAllowance, PolicyPack
from broker.domain.question import Effect, Phase, Question
from broker.domain.reasons import Reason
from broker.domain.terms import ConsentTerms
from broker.schemas.vocabulary import Tier, VictimAgreed


@dataclass(frozen=True, slots=True)
class Ground:
    """On what the answer rests. `scope` are the bits that it speaks of, `allowed` those it permits."""

    effect: Effect
    reason: Reason | None
    basis: Basis | None
    rules: tuple[str, ...]
    scope: int = 0
    allowed: int = 0
    beyond: Reason = Reason.OUT_OF_SCOPE
    """Why a group outside `scope` is withheld."""
    whole: bool = True
    """Whether identity can follow on this ground; without it an offer stays all there is."""
    permits: tuple[ConsentTerms, ...] = ()
    again_at: datetime | None = None
    coarse: bool = False


_HELD: Final = frozenset({Reason.NO_RELEASE, Reason.CONSENT_NOT_YET, Reason.CONSENT_NOT_SEEN, Reason.MAY_IDENTIFY})
"""Reasons that may pass by themselves or by asking the survivor: a hold, where the others are a no (VAWA-01a, D4)."""

_NEEDS_REGIME: Final = {Basis.AUTH_164_508: "HIPAA-AUTH", Basis.FERPA_CONSENT: "FERPA"}
_FORGOTTEN: Final = frozenset({"draft", "entered-in-error", "superseded"})
_REVOKED: Final = frozenset({"revoked", "suspended", "superseded"})

_CONSENT_RULES: Final = ("VAWA-04", "VAWA-05", "VAWA-07", "VAWA-08")

_DISTANCE: Final = {
    reason: place
    for place, reason in enumerate(
        (
            Reason.NO_RELEASE,
            Reason.RECIPIENT_NOT_SPECIFIC,
            Reason.RECIPIENT_NOT_NAMED,
            Reason.PURPOSE_MISMATCH,
            Reason.NO_HIPAA_BASIS,
            Reason.NOT_WRITTEN,
            Reason.CONSENT_NOT_ACTIVE,
            Reason.CONSENT_REVOKED,
            Reason.CONSENT_ENDED,
            Reason.CONSENT_USED_UP,
            Reason.CONSENT_EXPIRED,
            Reason.CONSENT_NOT_YET,
        )
    )
}
"""How near a release came to permitting: of several that fail, the nearest gives the reason, whatever their order."""


def newest(consents: Sequence[ConsentTerms]) -> Sequence[ConsentTerms]:
    """The newest version of each record: an older one says nothing any more."""
    if len(consents) < 2:
        return consents
    latest: dict[str, ConsentTerms] = {}
    for terms in consents:
        known = latest.get(terms.ref.consent_id)
        if known is None or known.ref.version < terms.ref.version:
            latest[terms.ref.consent_id] = terms
    return tuple(latest.values())


def excludes(question: Question, consents: Iterable[ConsentTerms]) -> bool:
    """Whether the survivor asked that this recipient never be told.

    An exclusion outlives the release that carries it, revoked or run out: only a newer version drops it.
    """
    org = question.recipient.org
    if org in question.excluded:
        return True
    return any(org in terms.excluded and terms.status not in _FORGOTTEN for terms in consents)


def denied(question: Question, consents: Iterable[ConsentTerms], now: datetime, pack: PolicyPack) -> int:
    """The bits of the groups that a record of the survivor's forbids to this recipient for this purpose."""
    bits = 0
    for terms in consents:
        if not terms.permits and _forbids(terms, question, now, pack):
            bits |= terms.scope
    return bits


def _forbids(terms: ConsentTerms, question: Question, now: datetime, pack: PolicyPack) -> bool:
    """Doubt about the clock counts for the denial; a suspended denial still denies."""
    recipient = question.recipient
    if terms.discloser != question.discloser.org or question.purpose not in terms.purposes:
        return False
    if recipient.org not in terms.recipients and all(to.category != recipient.category for to in terms.categories):
        return False
    in_time = terms.not_before - pack.clock_skew <= now < terms.not_after + pack.clock_skew
    return in_time and terms.status in ("active", "suspended")


def ground_of(question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack) -> Ground:
    """What the answer rests on, before minimum necessary. `consents` are the newest versions."""
    if question.phase is Phase.FEEDBACK:
        return _feedback(question, consents, now, pack)
    recipient = question.recipient
    footing = pack.footing(question.discloser.org_class, recipient.org_class, recipient.category)
    if footing is None:
        return Ground(Effect.DENY, Reason.NO_BASIS, None, ())
    basis, rules = footing.basis, footing.rules
    if basis is Basis.PROHIBITED:
        return Ground(Effect.DENY, Reason.OUT_OF_BROKER, basis, rules)
    if basis is Basis.TRAIL_ONLY:
        return Ground(
            Effect.PERMIT, None, basis, rules, footing.ceiling, footing.ceiling, Reason.AGGREGATE_ONLY, whole=False
        )
    if question.victim_agreed is VictimAgreed.NO:
        return Ground(Effect.DENY, Reason.VICTIM_SAID_NO, basis, rules)
    if basis is Basis.AGREEMENT and question.victim_agreed is not VictimAgreed.YES:
        return _not_asked(question, rules, pack)
    if basis >= Basis.RELEASE or question.consent is not None:
        return _released(question, consents, now, pack, basis, rules)
    return Ground(Effect.PERMIT, None, basis, rules, footing.ceiling, footing.ceiling)


def _not_asked(question: Question, rules: tuple[str, ...], pack: PolicyPack) -> Ground:
    """Nobody could ask her safely: an offer without identity may go, her identity waits (D1)."""
    if question.phase is not Phase.OFFER:
        return Ground(Effect.HOLD, Reason.VICTIM_NOT_ASKED, Basis.AGREEMENT, rules)
    return Ground(
        Effect.PERMIT,
        None,
        Basis.AGREEMENT,
        rules,
        pack.not_asked,
        pack.not_asked,
        Reason.VICTIM_NOT_ASKED,
        whole=False,
    )


def _released(
    question: Question,
    consents: Sequence[ConsentTerms],
    now: datetime,
    pack: PolicyPack,
    basis: Basis,
    rules: tuple[str, ...],
) -> Ground:
    cited = question.consent
    if cited is not None and not any(
        terms.ref.consent_id == cited.consent_id and terms.ref.version >= cited.version for terms in consents
    ):
        return Ground(Effect.HOLD, Reason.CONSENT_NOT_SEEN, basis, rules)
    regime = _NEEDS_REGIME.get(basis)
    permits: list[ConsentTerms] = []
    nearest = Reason.NO_RELEASE
    for terms in consents:
        if terms.permits:
            reason = _why_not(terms, question, now, pack, regime)
            if reason is None:
                permits.append(terms)
            elif _DISTANCE[reason] > _DISTANCE[nearest]:
                nearest = reason
    if permits:
        return _permitted(permits, basis, rules)
    if nearest is Reason.NO_RELEASE:
        return _without_release(question, basis, rules, pack)
    effect = Effect.HOLD if nearest in _HELD else Effect.DENY
    again_at = _begins(question, consents, now, pack) if nearest is Reason.CONSENT_NOT_YET else None
    return Ground(effect, nearest, basis, rules, again_at=again_at)


def _permitted(permits: list[ConsentTerms], basis: Basis, rules: tuple[str, ...]) -> Ground:
    scope = allowed = 0
    for terms in permits:
        scope |= terms.scope
        allowed |= terms.scope_in_tier
    if len(permits) > 1:
        permits.sort(key=lambda terms: terms.ref.consent_id)
    return Ground(Effect.PERMIT, None, basis, rules + _CONSENT_RULES, scope, allowed, permits=tuple(permits))


def _without_release(question: Question, basis: Basis, rules: tuple[str, ...], pack: PolicyPack) -> Ground:
    """VAWA-01a and VAWA-01b: what may be said of a victim service provider's client without her release."""
    if basis is not Basis.RELEASE or question.phase is not Phase.OFFER:
        return Ground(Effect.HOLD, Reason.NO_RELEASE, basis, rules)
    if question.discloser.org_class in VICTIM_SERVICE_PROVIDERS:
        if pack.vsp_opaque_offers:
            return Ground(
                Effect.PERMIT,
                None,
                basis,
                (*rules, "VAWA-01b"),
                pack.opaque_offer,
                pack.opaque_offer,
                Reason.MAY_IDENTIFY,
                whole=False,
                coarse=True,
            )
        present, _ = group_sets.present(question.groups)
        if not present & ~group_sets.UP_TO_TIER[Tier.QUASI_IDENTIFYING]:
            return Ground(Effect.HOLD, Reason.MAY_IDENTIFY, basis, rules)
    return Ground(Effect.HOLD, Reason.NO_RELEASE, basis, rules)


def _why_not(
    terms: ConsentTerms, question: Question, now: datetime, pack: PolicyPack, regime: str | None
) -> Reason | None:
    """Why this release does not permit it; None where it does. Doubt about the clock counts against it."""
    if terms.discloser != question.discloser.org:
        return Reason.NO_RELEASE
    if question.recipient.org not in terms.recipients:
        reason = _why_not_the_kind(terms, question, pack)
        if reason is not None:
            return reason
    if question.purpose not in terms.purposes:
        return Reason.PURPOSE_MISMATCH
    if regime is not None and regime not in terms.regimes:
        return Reason.NO_HIPAA_BASIS
    if terms.oral and pack.written_only(question.discloser.org_class):
        return Reason.NOT_WRITTEN
    if terms.status != "active":
        return _standing(terms.status)
    if terms.ended or not terms.uses_left:
        return Reason.CONSENT_ENDED if terms.ended else Reason.CONSENT_USED_UP
    return _why_not_now(terms, question, now, pack)


def _why_not_now(terms: ConsentTerms, question: Question, now: datetime, pack: PolicyPack) -> Reason | None:
    """The window is [notBefore, end): the end is the record's or the purpose's, whichever is first (VAWA-04, §4.2)."""
    skew = pack.clock_skew
    if now + skew >= end_of(terms, question, pack):
        return Reason.CONSENT_EXPIRED
    return Reason.CONSENT_NOT_YET if now - skew < terms.not_before else None


def end_of(terms: ConsentTerms, question: Question, pack: PolicyPack) -> datetime:
    """When this release ends for the question's purpose: its own end or the purpose's longest, whichever is first."""
    return min(terms.not_after, terms.not_before + pack.release_length[question.purpose])


def _begins(question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack) -> datetime:
    starts = (
        terms.not_before
        for terms in consents
        if terms.permits
        and terms.discloser == question.discloser.org
        and question.purpose in terms.purposes
        and terms.not_before > now - pack.clock_skew
    )
    return min(starts) + pack.clock_skew


def _why_not_the_kind(terms: ConsentTerms, question: Question, pack: PolicyPack) -> Reason | None:
    """A release may name a kind of recipient in an area, where no regime of either wants organisations (VAWA-06)."""
    recipient = question.recipient
    kinds = [to for to in terms.categories if to.category == recipient.category]
    if not any(to.service_area in recipient.areas for to in kinds):
        return Reason.RECIPIENT_NOT_NAMED
    if pack.named_only(question.discloser.org_class) or not pack.named_regimes.isdisjoint(terms.regimes):
        return Reason.RECIPIENT_NOT_SPECIFIC
    return None


def _standing(status: str) -> Reason:
    if status in _REVOKED:
        return Reason.CONSENT_REVOKED
    return Reason.CONSENT_EXPIRED if status == "expired" else Reason.CONSENT_NOT_ACTIVE


def _feedback(question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack) -> Ground:
    """What became of it is the provider's disclosure to the source (VAWA-12): receipt only, unless released."""
    provider = question.discloser.org_class
    rule = pack.feedback_rule(provider, question.recipient.org_class)
    rules = () if rule is None else rule.rules
    if rule is not None and rule.allowance is FeedbackAllowance.STATUS:
        return Ground(Effect.PERMIT, None, Basis.NONE, rules, group_sets.ALL, group_sets.ALL)
    hipaa = "HIPAA-AUTH" in pack.regimes.get(provider, frozenset())
    basis = Basis.AUTH_164_508 if hipaa else Basis.RELEASE
    found = _released(question, consents, now, pack, basis, rules)
    if found.effect is Effect.PERMIT:
        return found
    reason = Reason.FEEDBACK_NOT_RELEASED if found.reason is Reason.NO_RELEASE else found.reason
    return Ground(Effect.DENY, reason, basis, rules)
