"""What a disclosure rests on: the basis for the pair of organisations, and the survivor's consents in force.

Steps 4 and 5 of domain.md §4.3, before minimum necessary cuts it down.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from broker.domain import group_sets
from broker.domain.pack import VICTIM_SERVICE_PROVIDERS, Basis, FeedbackAllowance, PolicyPack
from broker.domain.permits import asked, begins, sift
from broker.domain.question import Effect, Phase, Question
from broker.domain.reasons import Reason
from broker.domain.safeguarding import reached_by
from broker.domain.terms import ConsentTerms
from broker.schemas.vocabulary import Tier, VictimAgreed


class Reach(NamedTuple):
    """How far a ground reaches. `scope` are the bits that it speaks of, `allowed` those it permits."""

    basis: Basis
    rules: tuple[str, ...]
    scope: int
    allowed: int
    beyond: Reason = Reason.OUT_OF_SCOPE
    """Why a group outside `scope` is withheld."""
    whole: bool = True
    """Whether identity can follow on this ground; without it an offer stays all there is."""
    released: bool = False
    """Whether it rests on a release of the survivor's."""


class Ground(NamedTuple):
    """On what the answer rests: how far it reaches and by which releases."""

    reach: Reach
    permits: tuple[ConsentTerms, ...] = ()
    coarse: bool = False


class NoGround(NamedTuple):
    """There is nothing to rest on, or not yet."""

    effect: Effect
    reason: Reason
    basis: Basis | None = None
    rules: tuple[str, ...] = ()
    again_at: datetime | None = None


_HELD: Final = frozenset({Reason.NO_RELEASE, Reason.CONSENT_NOT_YET})
"""What may pass by itself or by asking the survivor: a hold, where the other reasons are a no (VAWA-01a, D4)."""

_BREAKABLE: Final = frozenset({Reason.NO_RELEASE, Reason.MAY_IDENTIFY, Reason.VICTIM_NOT_ASKED})
"""What only says that nobody could ask her: an emergency stands in for that, and for no answer of hers (§5)."""

_NOT_A_NO: Final = frozenset({VictimAgreed.YES, VictimAgreed.NOT_ASKED_UNSAFE})
_NEEDS_REGIME: Final = {Basis.AUTH_164_508: "HIPAA-AUTH", Basis.FERPA_CONSENT: "FERPA"}
_CONSENT_RULES: Final = ("VAWA-04", "VAWA-05", "VAWA-07", "VAWA-08")


def ground_of(
    question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack
) -> Ground | NoGround:
    """What the answer rests on, before minimum necessary. `consents` are the newest versions."""
    found = _usual(question, consents, now, pack)
    if question.emergency is None or not isinstance(found, NoGround) or found.reason not in _BREAKABLE:
        return found
    opened = pack.breakable(question.discloser.org_class, question.recipient.org_class)
    if opened is None or question.phase == Phase.FEEDBACK:
        return found
    asked_for = group_sets.mask(question.emergency.groups) | pack.not_asked
    may = opened.groups & asked_for | pack.without_consent
    return Ground(Reach(Basis.BREAK_GLASS, (opened.rule,), may, may, Reason.NOT_IN_EMERGENCY))


def _usual(question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack) -> Ground | NoGround:
    """The ground that the matrix gives, with her consents, in no emergency."""
    if question.phase == Phase.FEEDBACK:
        return _feedback(question, consents, now, pack)
    recipient = question.recipient
    footing = pack.footing(question.discloser.org_class, recipient.org_class, recipient.category)
    if footing is None:
        return NoGround(Effect.DENY, Reason.NO_BASIS)
    basis, ceiling, rules = footing
    if basis is Basis.PROHIBITED:
        return NoGround(Effect.DENY, Reason.OUT_OF_BROKER, basis, rules)
    if basis is Basis.TRAIL_ONLY:
        return Ground(Reach(basis, rules, ceiling, ceiling, Reason.AGGREGATE_ONLY, whole=False))
    if question.victim_agreed not in _NOT_A_NO:
        return NoGround(Effect.DENY, Reason.VICTIM_SAID_NO, basis, rules)
    if basis >= Basis.RELEASE:
        return _released(question, consents, now, pack, basis, rules, ceiling)
    if basis >= Basis.SAFEGUARDING_SCH1_P18 and question.victim_agreed != VictimAgreed.YES:
        necessary = reached_by(question.necessity, basis, now, pack) & ceiling if question.consent is None else 0
        if necessary:
            return Ground(Reach(basis, rules, necessary, necessary, Reason.NOT_IN_NECESSITY_NOTE))
        return _not_asked(question, consents, now, pack, basis, rules)
    if question.consent is not None:
        return _released(question, consents, now, pack, basis, rules)
    return Ground(Reach(basis, rules, ceiling, ceiling))


def _not_asked(
    question: Question,
    consents: Sequence[ConsentTerms],
    now: datetime,
    pack: PolicyPack,
    basis: Basis,
    rules: tuple[str, ...],
) -> Ground | NoGround:
    """Nobody could ask her safely: an offer without identity may go, her identity waits (D1).

    A release that is named all the same narrows this further, and where it is not in force nothing goes.
    """
    reach = Reach(basis, rules, pack.not_asked, pack.not_asked, Reason.VICTIM_NOT_ASKED, whole=False)
    found: Ground | NoGround = Ground(reach)
    if question.consent is not None:
        found = _released(question, consents, now, pack, basis, rules)
    if isinstance(found, NoGround):
        return found
    if question.phase != Phase.OFFER:
        return NoGround(Effect.HOLD, Reason.VICTIM_NOT_ASKED, basis, rules)
    allowed = found.reach.allowed & pack.not_asked
    return found._replace(reach=found.reach._replace(allowed=allowed, whole=False))


def _released(
    question: Question,
    consents: Sequence[ConsentTerms],
    now: datetime,
    pack: PolicyPack,
    basis: Basis,
    rules: tuple[str, ...],
    ceiling: int = group_sets.ALL,
) -> Ground | NoGround:
    """The releases that permit it, together; a cited version that has not been seen holds everything (§4.5)."""
    if question.consent is not None and not _seen(question.consent.consent_id, question.consent.version, consents):
        return NoGround(Effect.HOLD, Reason.CONSENT_NOT_SEEN, basis, rules)
    held_against = asked(question, now, pack, _NEEDS_REGIME.get(basis))
    permits, scope, allowed, nearest = sift(consents, held_against)
    if permits:
        return Ground(Reach(basis, rules + _CONSENT_RULES, scope & ceiling, allowed & ceiling, released=True), permits)
    if nearest is Reason.NO_RELEASE:
        return _without_release(question, basis, rules, pack)
    again_at = begins(question, consents, now, pack) if nearest is Reason.CONSENT_NOT_YET else None
    return NoGround(Effect.HOLD if nearest in _HELD else Effect.DENY, nearest, basis, rules, again_at)


def _seen(consent_id: str, version: int, consents: Sequence[ConsentTerms]) -> bool:
    for terms in consents:
        known = terms.ref
        if known.consent_id == consent_id and known.version >= version:
            return True
    return False


def _without_release(question: Question, basis: Basis, rules: tuple[str, ...], pack: PolicyPack) -> Ground | NoGround:
    """VAWA-01a and VAWA-01b: what may be said of a victim service provider's client without her release."""
    vsp = question.discloser.org_class in VICTIM_SERVICE_PROVIDERS
    if basis is not Basis.RELEASE or question.phase != Phase.OFFER or not vsp:
        return NoGround(Effect.HOLD, Reason.NO_RELEASE, basis, rules)
    if pack.vsp_opaque_offers:
        may = pack.opaque_offer
        return Ground(Reach(basis, (*rules, "VAWA-01b"), may, may, Reason.MAY_IDENTIFY, whole=False), coarse=True)
    present, _ = group_sets.present(question.groups)
    identifying = present & ~group_sets.UP_TO_TIER[Tier.QUASI_IDENTIFYING]
    return NoGround(Effect.HOLD, Reason.NO_RELEASE if identifying else Reason.MAY_IDENTIFY, basis, rules)


def _feedback(
    question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack
) -> Ground | NoGround:
    """What became of it is the provider's disclosure to the source (VAWA-12): receipt only, unless released."""
    provider = question.discloser.org_class
    rule = pack.feedback_rule(provider, question.recipient.org_class)
    rules = () if rule is None else rule.rules
    if rule is not None and rule.allowance is FeedbackAllowance.STATUS and question.consent is None:
        return Ground(Reach(Basis.NONE, rules, group_sets.ALL, group_sets.ALL))
    hipaa = "HIPAA-AUTH" in pack.regimes.get(provider, frozenset())
    basis = Basis.AUTH_164_508 if hipaa else Basis.RELEASE
    found = _released(question, consents, now, pack, basis, rules)
    if isinstance(found, Ground):
        return found
    reason = Reason.FEEDBACK_NOT_RELEASED if found.reason is Reason.NO_RELEASE else found.reason
    return NoGround(Effect.DENY, reason, basis, rules)
