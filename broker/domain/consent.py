"""Decides what one organisation may tell another about a survivor, under which consent, and why not the rest.

Default deny (domain.md §4.3): a pure function of the question, the consents that are known, the time and the policy
pack. The order of the consents never matters; another denial never widens; every group present is either let through
or withheld for a stated reason. It is asked anew at every offer, attempt, retry, replay and read.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from broker.domain import group_sets
from broker.domain.ground import Ground, denied, end_of, excludes, ground_of, newest
from broker.domain.pack import Basis, Column, PolicyPack
from broker.domain.question import Decision, Effect, Obligations, Party, Phase, Question
from broker.domain.reasons import RULE, WORDS, Reason
from broker.domain.release import narrowed, release_refusal
from broker.domain.terms import ConsentRef, ConsentTerms, terms
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import Purpose, RecipientCategory, Service, Tier

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
    "decide",
    "narrowed",
    "purpose_for",
    "release_refusal",
    "terms",
]

_NEVER: Final = group_sets.ALL & ~group_sets.UP_TO_TIER[Tier.HIGH_HARM]
_PART2: Final = group_sets.mask([FieldGroup("FG19")])
_ENVELOPE: Final = group_sets.mask([FieldGroup("FG00")])
_IN_OFFERS: Final = group_sets.UP_TO_TIER[Tier.QUASI_IDENTIFYING]
_NOTHING: Final = Column(allowed=0, required=0, once=0, never=0)
_NO_GROUPS: Final[frozenset[FieldGroup]] = frozenset()

_NOTICES: Final = ("NONE", "HIPAA-MAY-BE-REDISCLOSED", "VAWA-LOCAL", "PART2-2.32-SHORT", "PART2-2.32-A1")
"""From the mildest notice to the strictest; several releases together carry the strictest."""


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
        return _refusal(question, Effect.DENY, Reason.RECIPIENT_EXCLUDED, None)
    forbidden = denied(question, current, now, pack)
    ground = ground_of(question, current, now, pack)
    if ground.reason is not None:
        return _refusal(question, ground.effect, ground.reason, ground)
    return _cut(question, ground, forbidden, pack)


def _column(question: Question, pack: PolicyPack) -> Column:
    """The recipient's column of §7.4; a recipient of no known kind gets nothing."""
    if question.phase is Phase.FEEDBACK:
        return pack.columns[RecipientCategory.SOURCE_FEEDBACK]
    return pack.columns.get(question.recipient.category or "", _NOTHING)


def _cut(question: Question, ground: Ground, forbidden: int, pack: PolicyPack) -> Decision:
    """Steps 6 and 7: what the ground allows, cut down to what this recipient needs (§7.4)."""
    present, unknown = group_sets.present(question.groups)
    column = _column(question, pack)
    barred = forbidden | _NEVER | (0 if pack.part2_enabled else _PART2)
    free = pack.without_consent if ground.permits else 0
    let = present & column.allowed & ~barred & (ground.allowed | free)
    missing = present & column.required & ~let & ~pack.may_be_missing
    later = 0
    if question.phase is Phase.OFFER:
        offer = pack.columns["OFFER"]
        whole, let = let, let & offer.allowed & _IN_OFFERS
        later = whole & ~let
        missing = (missing if ground.whole else 0) | (present & offer.required & ~let & ~pack.may_be_missing)
    withheld = _withheld(present, let, later, forbidden, column, ground, pack)
    withheld.update(dict.fromkeys(unknown, Reason.GROUP_UNKNOWN))
    reason = _useless(present, let, missing, forbidden, ground, pack)
    if reason is not None:
        withheld.update((group, reason) for group in group_sets.listed(let | later))
        return _denied(reason, ground, withheld)
    return _permit(question, ground, let, withheld, column, pack)


def _useless(present: int, let: int, missing: int, forbidden: int, ground: Ground, pack: PolicyPack) -> Reason | None:
    """Step 7: nothing is sent rather than a part that the recipient cannot work with."""
    if ground.basis is Basis.TRAIL_ONLY:
        return None
    personal = present & ~pack.without_consent
    missing |= present & _ENVELOPE & ~let
    if not missing and (let & personal or not personal):
        return None
    return Reason.DENIED_BY_SURVIVOR if (missing or personal) & forbidden else Reason.INSUFFICIENT_SCOPE


def _withheld(
    present: int, let: int, later: int, forbidden: int, column: Column, ground: Ground, pack: PolicyPack
) -> dict[FieldGroup, Reason]:
    """The reason for each group held back: the hardest that applies, so that consent is asked for only where it helps."""
    rest = present & ~let
    reasons: dict[FieldGroup, Reason] = {}
    for bits, reason in (
        (later, Reason.AFTER_ACCEPTANCE),
        (_NEVER, Reason.NEVER_TRANSIT),
        (0 if pack.part2_enabled else _PART2, Reason.PART2_NOT_SUPPORTED),
        (forbidden, Reason.DENIED_BY_SURVIVOR),
        (column.never, Reason.NEVER_FOR_RECIPIENT),
        (~column.allowed, Reason.NOT_NECESSARY),
        (~ground.scope, ground.beyond),
        (-1, Reason.TIER_TOO_HIGH),
    ):
        hit = rest & bits
        if hit:
            for group in group_sets.listed(hit):
                reasons[group] = reason
            rest &= ~hit
            if not rest:
                break
    return reasons


def _refusal(question: Question, effect: Effect, reason: Reason, ground: Ground | None) -> Decision:
    """Nothing goes, and every group for the same reason: what was there makes no difference."""
    withheld = dict.fromkeys(question.groups, reason)
    if ground is None:
        return Decision(effect, _NO_GROUPS, withheld, reason, (RULE[reason],))
    rules = _with(ground.rules, (RULE[reason],))
    return Decision(effect, _NO_GROUPS, withheld, reason, rules, ground.basis, again_at=ground.again_at)


def _denied(reason: Reason, ground: Ground, withheld: dict[FieldGroup, Reason]) -> Decision:
    rules = _with(ground.rules, (RULE[reason], *(RULE[why] for why in withheld.values())))
    refs = tuple(permit.ref for permit in ground.permits)
    return Decision(Effect.DENY, _NO_GROUPS, withheld, reason, rules, ground.basis, refs)


def _permit(
    question: Question, ground: Ground, let: int, withheld: dict[FieldGroup, Reason], column: Column, pack: PolicyPack
) -> Decision:
    permits = ground.permits
    named = bool(permits) and all(question.recipient.org in permit.recipients for permit in permits)
    return Decision(
        effect=Effect.PERMIT,
        let_through=group_sets.groups_of(let),
        withheld=withheld,
        reason=None,
        consents=tuple([permit.ref for permit in permits]),
        expires_at=min([end_of(permit, question, pack) for permit in permits]) if permits else None,
        again_at=None,
        obligations=_obligations(question, ground, let & column.once),
        rules=_with(ground.rules, ("§7.4", *[RULE[why] for why in withheld.values()])),
        basis=ground.basis,
        late_sealing=not named and question.phase is not Phase.FEEDBACK,
    )


@lru_cache(maxsize=4096)
def _with(rules: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """The rules used, each once, in the order in which they were applied."""
    return tuple(dict.fromkeys((*rules, *more)))


def _obligations(question: Question, ground: Ground, once: int) -> Obligations:
    """Step 8: of several releases the strictest word of each counts."""
    permits = ground.permits
    if not permits:
        return Obligations(single_use=group_sets.groups_of(once), coarse=ground.coarse)
    if len(permits) == 1:
        permit = permits[0]
        return _bound(
            permit.redisclosure_prohibited,
            permit.notice_code,
            once,
            permit.excluded_fields,
            _offers_at_once(question, permits),
        )
    return _bound(
        any(permit.redisclosure_prohibited for permit in permits),
        max((permit.notice_code for permit in permits), key=_NOTICES.index),
        once,
        tuple(sorted({path for permit in permits for path in permit.excluded_fields})),
        _offers_at_once(question, permits),
    )


@lru_cache(maxsize=4096)
def _bound(
    prohibited: bool, notice: str, once: int, excluded_fields: tuple[str, ...], offers: int | None
) -> Obligations:
    return Obligations(prohibited, notice, group_sets.groups_of(once), excluded_fields, max_concurrent_offers=offers)


def _offers_at_once(question: Question, permits: Sequence[ConsentTerms]) -> int | None:
    """Where every release names only the kind of recipient: the smallest number of offers that they allow at once."""
    limits = []
    for permit in permits:
        if question.recipient.org in permit.recipients:
            return None
        limits += [to.max_concurrent_offers for to in permit.categories if to.category == question.recipient.category]
    return min(limits, default=None)


_PURPOSE: Final[dict[RecipientCategory, Purpose]] = {
    RecipientCategory.SHELTER: Purpose.SHELTER_PLACEMENT,
    RecipientCategory.COUNSELING: Purpose.COUNSELING,
    RecipientCategory.LEGAL_AID: Purpose.LEGAL_ADVICE,
    RecipientCategory.HEALTHCARE: Purpose.MEDICAL_FOLLOW_UP,
    RecipientCategory.ADVOCACY: Purpose.ADVOCACY_OUTREACH,
    RecipientCategory.AUDITOR: Purpose.CASE_CONFERENCE,
    RecipientCategory.SOURCE_FEEDBACK: Purpose.STATUS_FEEDBACK,
}
"""Why something is shared with a kind of provider, where the services asked for say nothing more special."""

_SPECIAL_PURPOSE: Final[dict[tuple[RecipientCategory, Service], Purpose]] = {
    (RecipientCategory.LEGAL_AID, Service.PROTECTION_ORDER_HELP): Purpose.PROTECTION_ORDER,
    (RecipientCategory.HEALTHCARE, Service.FORENSIC_EXAM): Purpose.FORENSIC_EXAM,
    (RecipientCategory.SHELTER, Service.TRANSPORT): Purpose.TRANSPORT,
}


def purpose_for(category: RecipientCategory, services: Sequence[Service]) -> Purpose:
    """The purpose of a need: the special one where every service asked of this kind of provider has it.

    A mixed need keeps the general purpose, so that a survivor's narrow release never serves for the rest.
    """
    special = {_SPECIAL_PURPOSE.get((category, service)) for service in services}
    only = special.pop() if len(special) == 1 else None
    return only or _PURPOSE[category]
