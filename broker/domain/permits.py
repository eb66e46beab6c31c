"""Which releases permit a disclosure now, and if none does, the one reason nearest to what it would take.

Step 5 of domain.md §4.3. The survivor's exclusions and denials are read here too; they outrank every permit. Doubt
about a clock counts against the disclosure.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

from broker.domain.pack import PolicyPack
from broker.domain.question import Question
from broker.domain.reasons import Reason
from broker.domain.terms import ConsentTerms
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import Purpose

_NEAREST_LAST: Final = (
    Reason.NO_RELEASE,
    Reason.RECIPIENT_NOT_NAMED,
    Reason.RECIPIENT_NOT_SPECIFIC,
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
"""How near a release came to permitting: of several that fail, the nearest gives the reason, whatever their order."""
_NEARNESS: Final = {reason: place for place, reason in enumerate(_NEAREST_LAST)}
_CONSENT_ID: Final = attrgetter("ref.consent_id")
"""What puts releases in order: of each record only the newest version is here."""

_NO_TIME: Final = timedelta(0)
_FORGOTTEN: Final = frozenset({"draft", "entered-in-error", "superseded"})
_REVOKED: Final = frozenset({"revoked", "suspended", "superseded"})


def excludes(question: Question, consents: Iterable[ConsentTerms]) -> bool:
    """Whether the survivor asked that this recipient never be told.

    An exclusion outlives the release that carries it, revoked or run out: only a newer version drops it.
    """
    org = question.recipient.org
    if org in question.excluded:
        return True
    for terms in consents:  # noqa: SIM110  a generator costs twice as much, at every decision
        if terms.excluded and org in terms.excluded and terms.status not in _FORGOTTEN:
            return True
    return False


def denied(question: Question, consents: Iterable[ConsentTerms], now: datetime, pack: PolicyPack) -> int:
    """The bits of the groups that a record of the survivor's forbids to this recipient for this purpose."""
    bits = 0
    for terms in consents:
        if not terms.permits and _forbids(terms, question, now, pack):
            bits |= terms.scope
    return bits


def _forbids(terms: ConsentTerms, question: Question, now: datetime, pack: PolicyPack) -> bool:
    """A suspended denial still denies; a denied kind of recipient is denied everywhere."""
    recipient = question.recipient
    if terms.discloser != question.discloser.org or question.purpose not in terms.purposes:
        return False
    if recipient.org not in terms.recipients and all(to.category != recipient.category for to in terms.kinds):
        return False
    in_time = terms.not_before - pack.clock_skew <= now < terms.not_after + pack.clock_skew
    return in_time and terms.status in ("active", "suspended")


class Asked(NamedTuple):
    """What every release is held against in one decision, worked out once."""

    discloser: OrgId
    recipient: OrgId
    purpose: Purpose
    regime: str | None
    """A regime that the release must be under, if any."""
    begun_by: datetime
    """A release that begins later than this is not in force yet: now, less the clocks' skew."""
    not_before_this: datetime
    """A release that began at this moment or earlier has outlasted the purpose's longest time."""
    ends_after: datetime
    """A release that ends at this moment or earlier has run out: now, plus the clocks' skew."""
    question: Question
    pack: PolicyPack


def asked(question: Question, now: datetime, pack: PolicyPack, regime: str | None) -> Asked:
    """The window is [notBefore, end): the end is the record's or the purpose's, whichever is first (VAWA-04, §4.2)."""
    latest = now + pack.clock_skew
    return Asked(
        question.discloser.org,
        question.recipient.org,
        question.purpose,
        regime,
        now - pack.clock_skew,
        latest - pack.release_length.get(question.purpose, _NO_TIME),
        latest,
        question,
        pack,
    )


class Sifted(NamedTuple):
    """The releases that permit it, with the bits of all their scopes; `nearest` is why none does, where none does."""

    permits: tuple[ConsentTerms, ...]
    scope: int
    scope_in_tier: int
    nearest: Reason


def sift(consents: Iterable[ConsentTerms], held_against: Asked) -> Sifted:
    """Hold each release against what is asked. The order of `consents` makes no difference to the answer."""
    discloser, recipient, purpose, regime, begun_by, not_before_this, ends_after, question, pack = held_against
    permits: list[ConsentTerms] = []
    scope = scope_in_tier = 0
    nearest = Reason.NO_RELEASE
    for terms in consents:
        if not terms.permits:
            continue
        if terms.discloser != discloser or (regime == "FERPA" and regime not in terms.regimes):
            reason = Reason.NO_RELEASE
        elif recipient not in terms.recipients and (why := _why_not_the_kind(terms, question, pack)) is not None:
            reason = why
        elif purpose not in terms.purposes:
            reason = Reason.PURPOSE_MISMATCH
        elif regime is not None and regime not in terms.regimes:
            reason = Reason.NO_HIPAA_BASIS
        elif terms.oral and (why := _why_not_oral(terms, question, pack)) is not None:
            reason = why
        elif terms.status != "active" or terms.ended or not terms.uses_left:
            reason = _standing(terms)
        elif (
            terms.not_after <= ends_after
            or terms.not_before <= not_before_this
            or (terms.oral and terms.not_before + pack.oral_temporary <= ends_after)
        ):
            reason = Reason.CONSENT_EXPIRED
        elif terms.not_before > begun_by:
            reason = Reason.CONSENT_NOT_YET
        else:
            permits.append(terms)
            scope |= terms.scope
            scope_in_tier |= terms.scope_in_tier
            continue
        if _NEARNESS[reason] > _NEARNESS[nearest]:
            nearest = reason
    if len(permits) > 1:
        permits.sort(key=_CONSENT_ID)
    return Sifted(tuple(permits), scope, scope_in_tier, nearest)


def _why_not_the_kind(terms: ConsentTerms, question: Question, pack: PolicyPack) -> Reason | None:
    """A release may name a kind of recipient in an area, where no regime of either wants organisations (VAWA-06)."""
    recipient = question.recipient
    if not any(to.category == recipient.category and to.service_area in recipient.areas for to in terms.kinds):
        return Reason.RECIPIENT_NOT_NAMED
    if pack.named_only(question.discloser.org_class) or not pack.named_regimes.isdisjoint(terms.regimes):
        return Reason.RECIPIENT_NOT_SPECIFIC
    return None


def _why_not_oral(terms: ConsentTerms, question: Question, pack: PolicyPack) -> Reason | None:
    """VAWA-02, §4.2: spoken words serve no regime that wants writing, the record's or the discloser's, and reach one.

    Intake refuses such records; a pack that has been tightened since, or a discloser's new class, is met here.
    """
    if pack.written_only(question.discloser.org_class) or not pack.written_regimes.isdisjoint(terms.regimes):
        return Reason.NOT_WRITTEN
    return Reason.RECIPIENT_NOT_SPECIFIC if terms.kinds or len(terms.recipients) != 1 else None


def _standing(terms: ConsentTerms) -> Reason:
    """VAWA-16: only what is active permits."""
    if terms.status in _REVOKED:
        return Reason.CONSENT_REVOKED
    if terms.status == "active":
        return Reason.CONSENT_ENDED if terms.ended else Reason.CONSENT_USED_UP
    return Reason.CONSENT_EXPIRED if terms.status == "expired" else Reason.CONSENT_NOT_ACTIVE


def end_of(permits: tuple[ConsentTerms, ...], question: Question, pack: PolicyPack) -> datetime:
    """When the first of these releases ends for the question's purpose, UTC (§4.2: the earliest bound wins)."""
    length = pack.release_length[question.purpose]
    if len(permits) == 1 and not permits[0].oral:
        return min(permits[0].not_after, permits[0].not_before + length)
    spoken = [terms.not_before + pack.oral_temporary for terms in permits if terms.oral]
    ends = [terms.not_after for terms in permits]
    return min(*ends, min([terms.not_before for terms in permits]) + length, *spoken)


def begins(question: Question, consents: Iterable[ConsentTerms], now: datetime, pack: PolicyPack) -> datetime:
    """When the first release that is only not in force yet comes into force, UTC."""
    starts = [
        terms.not_before
        for terms in consents
        if terms.permits and terms.not_before > now - pack.clock_skew and terms.discloser == question.discloser.org
    ]
    return min(starts) + pack.clock_skew
