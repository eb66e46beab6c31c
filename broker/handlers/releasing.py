"""Phase 2: after a human has accepted, that provider receives the sealed groups that the consent lets through.

The gate is asked again at this very moment. Where the source has not yet wrapped its keys for the chosen provider
(late sealing), the source is told whom to wrap them for, and the hand-over waits with a deadline and an owner.
"""

from typing import TypedDict

from broker.domain.consent import Decision, Effect, Phase
from broker.domain.deadlines import deadline
from broker.domain.pack import Basis
from broker.handlers import gate
from broker.handlers.awaiting import await_contact
from broker.handlers.bounds import count_use
from broker.handlers.cases import HandedOver, Need, NextAction, Offer, Referral
from broker.handlers.desk import Desk
from broker.handlers.seeking import decision_facts, end_consent
from broker.handlers.written import Disclosed
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureConsent, DisclosureReleased
from broker.schemas.envelope import rfc3339
from broker.schemas.event import Flow
from broker.schemas.field_groups import SEALABLE, FieldGroup
from broker.schemas.ids import OfferId, ReferralId
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.vocabulary import RecipientCategory
from broker.trail.entries import Step

SHREDDED = "PAYLOAD_SHREDDED"
"""Why a human has it: what may be released is no longer here (domain.md §7.5), so its source must publish it anew."""


class _About(TypedDict):
    """What a message is about, for the outbox."""

    referral_id: ReferralId
    category: RecipientCategory
    offer_id: OfferId


def release(
    desk: Desk, referral: Referral, need: Need, offer: Offer, only: frozenset[FieldGroup] | None = None
) -> None:
    """Ask the gate, and hand over what it lets through and what is wrapped for this provider.

    What it lets through and is not wrapped yet, the source is asked for. `only`: the groups whose keys have just come,
    where the others were handed over before.
    """
    party = desk.directory.parties[offer.provider]
    decision = gate.ask(desk, referral, need, party, Phase.RELEASE)
    if decision.effect is not Effect.PERMIT:
        desk.record(Step.DISCLOSURE_DENIED, referral.referral_id, _facts(referral, need, offer, decision))
        if decision.effect is Effect.DENY:
            end_consent(desk, referral, need)
        return  # Held: she could not be asked yet. The provider goes on by the worker's number, her identity waits.
    wanted = sorted(group for group in decision.let_through if group in referral.sealed)
    wrapped = [group for group in wanted if _wrapped(desk, referral, offer, group)]
    missing = [group for group in wanted if group not in wrapped]
    new = wrapped if only is None else [group for group in wrapped if group in only]
    shredded = (decision.let_through & SEALABLE & referral.groups) - referral.sealed.keys()
    if shredded:
        desk.raise_work(need, SHREDDED)
    if new or not (wanted or shredded):
        _hand_over(desk, referral, need, offer, decision, new)
    if missing:
        _ask_for_keys(desk, referral, need, offer, decision, missing)


def _emergency(desk: Desk, referral: Referral, need: Need, offer: Offer, decision: Decision) -> BreakGlassId | None:
    """The emergency that it rests on, where it rests on one."""
    if decision.basis is not Basis.BREAK_GLASS:
        return None
    found = referral.emergency(need.category, offer.provider, desk.now)
    return None if found is None else found.break_glass_id


def _wrapped(desk: Desk, referral: Referral, offer: Offer, group: FieldGroup) -> bool:
    """Whether there is a wrapped key for this provider that nobody has stolen the other half of."""
    wrap = referral.wraps.get((group, offer.provider))
    return wrap is not None and wrap.key_id not in desk.directory.revoked_keys


def _hand_over(
    desk: Desk, referral: Referral, need: Need, offer: Offer, decision: Decision, groups: list[FieldGroup]
) -> None:
    consent = None
    if decision.consent is not None and decision.expires_at is not None:
        consent = DisclosureConsent(
            consent_id=decision.consent.consent_id,
            version=decision.consent.version,
            expires_at=decision.expires_at,
        )
    about: _About = {"referral_id": referral.referral_id, "category": need.category, "offer_id": offer.offer_id}
    released = desk.send(
        Flow.BROKER_TO_PROVIDER,
        offer.provider,
        referral.referral_id,
        DisclosureReleased(
            offer_id=offer.offer_id,
            sealed=tuple(referral.sealed[group] for group in groups),
            consent=consent,
            break_glass_id=_emergency(desk, referral, need, offer, decision),
            redisclosure_prohibited=decision.obligations.redisclosure_prohibited,
            notice_code=decision.obligations.notice_code,
            contact_fresh_hours=desk.pack_of(referral).timers[need.priority].contact_fresh_hours,
        ),
        gate.permit(decision, offer.provider, Phase.RELEASE, DisclosureReleased.TYPE),
        groups=groups,
        **about,
    )
    wraps = tuple(referral.wraps[(group, offer.provider)] for group in groups)
    if wraps:
        desk.send(
            Flow.KEYS_TO_PROVIDER,
            offer.provider,
            referral.referral_id,
            DisclosureKeyed(offer_id=offer.offer_id, released=released, wraps=wraps),
            gate.permit(decision, offer.provider, Phase.RELEASE, DisclosureKeyed.TYPE),
            groups=groups,
            **about,
        )
    desk.record(
        Step.DISCLOSURE_RELEASED,
        referral.referral_id,
        {**_facts(referral, need, offer, decision), "groups": groups, "obligations": duties(decision)},
    )
    before = referral.disclosed.get(offer.offer_id)
    held = frozenset(groups) if before is None else before.groups | frozenset(groups)
    desk.put(referral.disclosed, offer.offer_id, HandedOver(held, desk.now, referral.policy))
    desk.written.disclosed += [
        Disclosed(
            offer.offer_id,
            group,
            referral.referral_id,
            offer.provider,
            decision.consent,
            referral.policy,
            referral.wraps[(group, offer.provider)].key_id,
        )
        for group in groups
    ]
    count_use(desk, decision, referral, need, offer.provider)
    desk.change(need, released=True)
    await_contact(desk, referral, need, offer.provider)


def duties(decision: Decision) -> dict[str, object]:
    """What binds the recipient of a disclosure, in the trail's words (domain.md §4.3 step 8): codes and a time."""
    bound = decision.obligations
    return {
        "redisclosureProhibited": bound.redisclosure_prohibited,
        "notice": bound.notice_code,
        "singleUse": sorted(bound.single_use),
        "excludedFields": list(bound.excluded_fields),
        "until": None if decision.expires_at is None else rfc3339(decision.expires_at),
    }


def _facts(referral: Referral, need: Need, offer: Offer, decision: Decision) -> dict[str, object]:
    """The decision in the trail's words, with what it was about."""
    about = {"need": need.category, "offer": offer.offer_id, "policy": referral.policy}
    return {**about, **decision_facts(offer.provider, decision)}


def _ask_for_keys(
    desk: Desk, referral: Referral, need: Need, offer: Offer, decision: Decision, groups: list[FieldGroup]
) -> None:
    """Late sealing: name the chosen organisation to the source, so that it wraps its keys for exactly that one."""
    answer_by = deadline(desk.pack_of(referral), "awaiting_keys", need.priority, desk.now)
    desk.send(
        Flow.BROKER_TO_SOURCE,
        referral.source,
        referral.referral_id,
        RecipientChosen(
            category=need.category,
            offer_id=offer.offer_id,
            recipient=offer.provider,
            key_ids=desk.directory.sealing_keys.get(offer.provider, ()),
            field_groups=tuple(groups),
            answer_by=answer_by,
        ),
        gate.naming(referral.source),
        referral_id=referral.referral_id,
        category=need.category,
        offer_id=offer.offer_id,
    )
    desk.record(
        Step.RECIPIENT_NAMED,
        referral.referral_id,
        {**_facts(referral, need, offer, decision), "groups": groups, "answerBy": answer_by},
    )
    waits_for_keys = not need.released and need.next_action is not NextAction.CHASE_HANDOFF
    if need.due_at is None or waits_for_keys or answer_by < need.due_at:
        desk.schedule(need, NextAction.CHASE_KEYS, answer_by, referral.source)
