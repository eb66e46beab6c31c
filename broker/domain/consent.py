"""Decides what one organisation may tell another about a survivor, under which consent, and why not the rest.

Default deny (domain.md §4.3): a pure function of the question, the consents that are known, the time and the policy
pack. The order of the consents never matters; another denial never widens; every group present is either let through
or withheld for a stated reason. It is asked anew at every offer, attempt, retry, replay and read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from broker.domain.excluded import exposed
from broker.domain.ground import Ground, NoGround, Reach, ground_of
from broker.domain.necessity import Cut, cut
from broker.domain.obligations import NO_RELEASE, Obligations, strictest, unrevealing
from broker.domain.pack import PolicyPack
from broker.domain.permits import denied, end_of, excludes
from broker.domain.purposes import purpose_for
from broker.domain.question import Decision, Effect, Party, Phase, Question
from broker.domain.reasons import RULE, WORDS, Reason
from broker.domain.release import Revoked, release_refusal, standing, understood
from broker.domain.terms import ConsentRef, ConsentTerms, newest, terms
from broker.schemas.field_groups import FieldGroup

__all__ = [
    "WORDS",
    "ConsentRef",
    "ConsentTerms",
    "Decision",
    "Effect",
    "Obligations",
    "Party",
    "Phase",
    "Question",
    "Reason",
    "Revoked",
    "decide",
    "purpose_for",
    "release_refusal",
    "standing",
    "terms",
    "understood",
]

_NO_GROUPS: Final[frozenset[FieldGroup]] = frozenset()


def decide(question: Question, consents: Sequence[ConsentTerms], now: datetime, pack: PolicyPack) -> Decision:
    """The answer at `now` (aware) under this pack.

    `consents` are all records known of the survivor in this matter, denials included, in any order. Nothing found,
    nothing understood or nothing in force means no. For feedback they are the provider's releases.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a decision needs a time with a zone")
    current = newest(consents)
    if excludes(question, current):
        return _refusal(question, NoGround(Effect.DENY, Reason.RECIPIENT_EXCLUDED))
    ground = ground_of(question, current, now, pack)
    if isinstance(ground, NoGround):
        return _refusal(question, ground)
    forbidden = denied(question, current, now, pack)
    reach = _without_exposed(question, ground)
    return _answer(
        question,
        ground,
        cut(question.groups, question.phase, question.recipient.category, reach, forbidden, pack),
        pack,
    )


def _without_exposed(question: Question, ground: Ground) -> Reach:
    """VAWA-07: a group that was sealed with a field which a release excludes is outside its scope as a whole."""
    if question.sealed_without is None or not any(permit.obligations.excluded_fields for permit in ground.permits):
        return ground.reach
    paths = [path for permit in ground.permits for path in permit.obligations.excluded_fields]
    inside = ~exposed(paths, question.sealed_without)
    return ground.reach._replace(scope=ground.reach.scope & inside, allowed=ground.reach.allowed & inside)


def _refusal(question: Question, ground: NoGround) -> Decision:
    """Nothing goes, and every group for the same reason: what was there makes no difference."""
    effect, reason, basis, rules, again_at = ground
    withheld = dict.fromkeys(question.groups, reason)
    return Decision(effect, _NO_GROUPS, withheld, reason, (*rules, RULE[reason]), basis, again_at=again_at)


def _answer(question: Question, ground: Ground, parts: Cut, pack: PolicyPack) -> Decision:
    permits, basis = ground.permits, ground.reach.basis
    let_through, withheld, single_use, reason, rules = parts
    refs = tuple([permit.ref for permit in permits])
    if reason is not None:
        return Decision(Effect.DENY, _NO_GROUPS, withheld, reason, (*rules, RULE[reason]), basis, refs)
    named = _all_name(question, permits)
    duties = unrevealing(_duties(question, ground, named), let_through)
    return Decision(
        Effect.PERMIT,
        let_through,
        withheld,
        None,
        rules,
        basis,
        refs,
        end_of(permits, question, pack) if permits else None,
        None,
        duties._replace(single_use=single_use) if single_use else duties,
        not named and question.phase != Phase.FEEDBACK,
    )


def _all_name(question: Question, permits: tuple[ConsentTerms, ...]) -> bool:
    """Whether the survivor named this organisation in each release that it rests on."""
    org = question.recipient.org
    for permit in permits:
        if org not in permit.recipients:
            return False
    return bool(permits)


def _duties(question: Question, ground: Ground, named: bool) -> Obligations:
    permits = ground.permits
    if not permits:
        return Obligations(coarse=True) if ground.coarse else NO_RELEASE
    duties = strictest([permit.obligations for permit in permits])
    return duties if named else duties._replace(max_concurrent_offers=_offers_at_once(question, permits))


def _offers_at_once(question: Question, permits: Sequence[ConsentTerms]) -> int | None:
    """Where every release names only the kind of recipient: the smallest number of offers that they allow at once."""
    if any(question.recipient.org in permit.recipients for permit in permits):
        return None
    kinds = [kind for permit in permits for kind in permit.kinds if kind.category == question.recipient.category]
    return min((kind.max_concurrent_offers for kind in kinds), default=None)
