"""Find a provider for a need: ask the gate about each candidate, match, offer; or hold, or put it before a human.

The same few lines serve a new referral, a declined or expired offer, a consent that has just come and a deadline:
whoever is next is asked again what the consent reaches at that moment.
"""

from datetime import datetime

from broker.domain.coarse import coarse_access, coarse_need
from broker.domain.consent import Decision, Effect, Phase, Reason
from broker.domain.deadlines import deadline
from broker.domain.excluded import without_excluded
from broker.domain.matching import NeedFacts, PassedOver, Provider, match
from broker.domain.policy import PolicyPack
from broker.domain.work_list import Waiting
from broker.handlers import gate
from broker.handlers.cases import (
    OPEN_OFFER_STATES,
    UNDECIDED_OFFER_STATES,
    Need,
    NextAction,
    Offer,
    Referral,
    Request,
)
from broker.handlers.desk import Desk
from broker.handlers.telling import tell_closed, tell_escalated, tell_status, withdraw
from broker.handlers.waiting import wait
from broker.schemas.event import Flow
from broker.schemas.ids import OrgId
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_escalated import EscalationNotice
from broker.schemas.referral_held import HoldReason, ReferralHeld
from broker.schemas.vocabulary import Acknowledgment, NeedState, OfferState, Priority, WithdrawReason
from broker.trail.entries import Step

_ASKED_AGAIN = frozenset({Priority.P0, Priority.P1})
"""What ends undecided at this urgency is to be asked again; the source alone can (docs/decisions/0123)."""
SEEKING = frozenset({NeedState.MATCHING, NeedState.OFFERED, NeedState.WAITLISTED, NeedState.CONSENT_HOLD})


def seek(desk: Desk, referral: Referral, need: Need, only: OrgId | None = None) -> None:
    """Bring a need that nobody has accepted as far as it can go now; `only` one provider is asked where one is named.

    The need may come from SUBMITTED, CONSENT_HOLD, MATCHING, NO_MATCH, OFFERED or WAITLISTED. Afterwards it is offered,
    held with a deadline, or on a human's list: never idle.
    """
    pack = desk.pack_of(referral)
    candidates = desk.directory.providers.get(need.category, ())
    if only is not None:
        candidates = tuple(provider for provider in candidates if provider.org == only)
    consents, parties = desk.consents_for(referral), desk.directory.parties
    decisions: dict[OrgId, Decision] = {}

    def asked(provider: Provider) -> Decision:
        if provider.org not in decisions:
            party = parties[provider.org]
            decisions[provider.org] = gate.ask(desk, referral, need, party, Phase.OFFER, consents)
        return decisions[provider.org]

    offered = referral.offers_for(need.category)
    undecided = [offer for offer in offered if offer.state in UNDECIDED_OFFER_STATES]
    found = match(
        facts_of(referral, need),
        candidates,
        desk.capacity,
        already=frozenset(offer.provider for offer in offered),
        permitted=asked,
        now=desk.now,
        pack=pack,
        count=max(0, pack.timers[need.priority].parallel_offers - len(undecided)) if only is None else 1,
        recent_offers=desk.recent_offers,
    )
    if not found.chosen and candidates and all(asked(one).effect is not Effect.PERMIT for one in candidates):
        _hold(desk, referral, need, decisions)
        return
    made = [_offer(desk, referral, need, provider, decisions[provider.org]) for provider in found.chosen]
    desk.record(
        Step.OFFERS_MADE,
        referral.referral_id,
        {
            "need": need.category,
            "offers": made,
            "passedOver": {
                org: decisions[org].reason if reason is PassedOver.CONSENT else reason
                for org, reason in found.passed_over.items()
            },
            "policy": referral.policy,
        },
    )
    settle(desk, referral, need)


def facts_of(referral: Referral, need: Need) -> NeedFacts:
    """What matching may look at: the coarse facts of the request, never a person."""
    request = referral.request
    return NeedFacts(
        referral_id=referral.referral_id,
        category=need.category,
        services=frozenset(need.services),
        jurisdiction=request.jurisdiction_code,
        area=request.area,
        household=request.need_summary.adults + request.need_summary.children,
        language=request.access_needs.preferred_language,
        interpreter=bool(request.access_needs.interpreter),
        step_free=bool(request.access_needs.step_free),
        pets=tuple(request.access_needs.pet_types),
        priority=need.priority,
    )


def _hold(desk: Desk, referral: Referral, need: Need, decisions: dict[OrgId, Decision]) -> None:
    """No candidate may be asked: wait for a basis until the need expires, and tell the source what is missing."""
    held = [d for d in decisions.values() if d.effect is Effect.HOLD]
    reason = (held or list(decisions.values()))[0].reason or Reason.NO_RELEASE
    if need.state is NeedState.CONSENT_HOLD:
        _wait(desk, referral, need, held)
        return
    if need.state is not NeedState.SUBMITTED:
        end_consent(desk, referral, need)
        return
    desk.move_need(need, NeedState.CONSENT_HOLD)
    answer_by = _wait(desk, referral, need, held)
    desk.record(
        Step.REFERRAL_HELD,
        referral.referral_id,
        {
            "need": need.category,
            "reason": reason,
            "candidates": {org: decision.reason for org, decision in decisions.items()},
            "policy": referral.policy,
        },
    )
    hold_reason = HoldReason(reason.value) if reason.value in HoldReason.__members__ else HoldReason.NO_RELEASE
    desk.send(
        Flow.BROKER_TO_SOURCE,
        referral.source,
        referral.referral_id,
        ReferralHeld(category=need.category, reason=hold_reason, answer_by=answer_by),
        gate.control(referral.source),
        referral_id=referral.referral_id,
        category=need.category,
    )


def _wait(desk: Desk, referral: Referral, need: Need, held: list[Decision]) -> datetime:
    """Until when a held need waits at the most; where a release is only not in force yet, it goes on by itself."""
    hold = deadline(desk.pack_of(referral), "hold", need.priority, referral.received_at)
    answer_by = min(need.expires_at, hold)
    again = min((d.again_at for d in held if d.again_at is not None), default=None)
    if again is not None and desk.now < again < answer_by:
        desk.schedule(need, NextAction.SEEK_AGAIN, again, referral.source)
    else:
        desk.schedule(need, NextAction.EXPIRE_REFERRAL, answer_by, referral.source)
    return answer_by


def _offer(desk: Desk, referral: Referral, need: Need, provider: Provider, decision: Decision) -> dict[str, object]:
    """Make one offer without identity, as far as the decision reaches; returns it in the trail's words."""
    pack = desk.pack_of(referral)
    calendar = desk.directory.calendar_of(provider.org)
    decide_by = deadline(pack, Acknowledgment.A3_DECIDED, need.priority, desk.now, calendar)
    answer_by = min(need.expires_at, decide_by)
    offer = Offer(
        offer_id=desk.draw.offer_id(),
        referral_id=referral.referral_id,
        category=need.category,
        provider=provider.org,
        state=OfferState.MADE,
        rung=Acknowledgment.A0_ACCEPTED,
        made_at=desk.now,
        answer_by=answer_by,
        changed_at=desk.now,
    )
    desk.add_offer(referral, offer)
    desk.recent_offers[provider.org] = desk.recent_offers.get(provider.org, 0) + 1
    told = offer_event(referral.request, referral, need, offer, decision)
    if decision.obligations.excluded_fields:
        told = without_excluded(told, decision.obligations.excluded_fields)
    desk.send(
        Flow.BROKER_TO_PROVIDER,
        provider.org,
        referral.referral_id,
        _coarsened(told, referral.request, pack) if decision.obligations.coarse else told,
        gate.permit(decision, provider.org, Phase.OFFER, OfferMade.TYPE),
        referral_id=referral.referral_id,
        category=need.category,
        offer_id=offer.offer_id,
        expires_at=answer_by,
    )
    return {"offer": offer.offer_id, "answerBy": answer_by, **decision_facts(provider.org, decision)}


def offer_event(request: Request, referral: Referral, need: Need, offer: Offer, decision: Decision) -> OfferMade:
    """The offer's content: exactly the groups that were let through, everything else absent, and the notice on it."""
    groups = decision.let_through
    worker = request.worker_contact if "FG23" in groups else None
    return OfferMade(
        offer_id=offer.offer_id,
        category=need.category,
        priority=need.priority,
        services=need.services,
        answer_by=offer.answer_by,
        need_summary=request.summary_for(need.category) if "FG01" in groups else None,
        access_needs=request.access_needs if "FG02" in groups else None,
        jurisdiction_code=request.jurisdiction_code if "FG07a" in groups else None,
        area=request.area if "FG07b" in groups else None,
        worker_contact=None if worker is None else worker.at(offer.made_at),
        notice_code=decision.obligations.notice_code,
    )


def _coarsened(told: OfferMade, request: Request, pack: PolicyPack) -> OfferMade:
    """Where an offer rests on no release, its need and access go in coarse form only (VAWA-01b)."""
    need = coarse_need(request.need_summary) if told.need_summary is not None else None
    access = coarse_access(request.access_needs, pack) if told.access_needs is not None else None
    return told.model_copy(update={"need_summary": need, "access_needs": access})


def decision_facts(recipient: OrgId, decision: Decision) -> dict[str, object]:
    """A decision in the trail's words: which groups by code, by which rule and consent."""
    return {
        "recipient": recipient,
        "effect": decision.effect,
        "reason": decision.reason,
        "letThrough": sorted(decision.let_through),
        "withheld": dict(decision.withheld),
        "rules": decision.rules,
        "basis": None if decision.basis is None else decision.basis.name,
        "consents": [f"{one.consent_id}/{one.version}" for one in decision.consents],
    }


def settle(desk: Desk, referral: Referral, need: Need) -> None:
    """After a round: the state that follows from the open offers, and what happens next."""
    open_offers = [offer for offer in referral.offers_for(need.category) if offer.state in OPEN_OFFER_STATES]
    undecided = [offer for offer in open_offers if offer.state in UNDECIDED_OFFER_STATES]
    if undecided:
        if need.state is not NeedState.OFFERED:
            desk.move_need(need, *_through_matching(need), NeedState.OFFERED)
        wait(desk, referral, need, undecided, undecided[0].provider)
    elif open_offers:
        if need.state is not NeedState.WAITLISTED:
            before = () if need.state is NeedState.OFFERED else (*_through_matching(need), NeedState.OFFERED)
            desk.move_need(need, *before, NeedState.WAITLISTED)
        wait(desk, referral, need, undecided, open_offers[0].provider)
    else:
        _nobody_left(desk, referral, need)


def _nobody_left(desk: Desk, referral: Referral, need: Need) -> None:
    """A human has it, again where one has asked in vain; the clock brings it before a coordinator at once."""
    again = need.state is NeedState.NO_MATCH
    if not again:
        desk.move_need(need, *_through_matching(need), NeedState.NO_MATCH)
    desk.schedule(need, NextAction.CLIMB_LADDER, desk.now, desk.broker_org)
    desk.raise_work(need, Waiting.NOBODY_LEFT)
    if not again:
        tell_status(desk, referral, need)


def _through_matching(need: Need) -> tuple[NeedState, ...]:
    return () if need.state is NeedState.MATCHING else (NeedState.MATCHING,)


def reconsider(desk: Desk, referral: Referral, need: Need) -> None:
    """A consent has changed: take back what it no longer reaches, and go on with what it does."""
    if need.state not in SEEKING:
        _reconsider_accepted(desk, referral, need)
        return
    for offer in referral.offers_for(need.category):
        if offer.state not in OPEN_OFFER_STATES:
            continue
        party = desk.directory.parties.get(offer.provider)
        if party is None or gate.ask(desk, referral, need, party, Phase.OFFER).effect is not Effect.PERMIT:
            withdraw(desk, offer, WithdrawReason.CONSENT_ENDED)
    seek(desk, referral, need)


def _reconsider_accepted(desk: Desk, referral: Referral, need: Need) -> None:
    live = (NeedState.ACCEPTED, NeedState.HANDOFF, NeedState.CONTACT_PENDING, NeedState.ENGAGED)
    if need.state not in live or need.provider is None:
        return
    party = desk.directory.parties.get(need.provider)
    effect = Effect.DENY if party is None else gate.ask(desk, referral, need, party, Phase.RELEASE).effect
    if effect is Effect.DENY or (effect is Effect.HOLD and need.released):
        end_consent(desk, referral, need)


def end_consent(desk: Desk, referral: Referral, need: Need) -> None:
    """The basis is gone: stop what is queued, take back what is open, tell whoever holds it (domain.md §4.4)."""
    desk.written.stopped.append((referral.referral_id, need.category))
    for offer in referral.offers_for(need.category):
        if offer.state in OPEN_OFFER_STATES or offer.state is OfferState.ACCEPTED:
            withdraw(desk, offer, WithdrawReason.CONSENT_ENDED)
    desk.move_need(need, NeedState.REVOKED)
    desk.schedule(need, None, None, None)
    tell_closed(desk, referral, need)


def expire(desk: Desk, referral: Referral, need: Need, now: datetime) -> None:
    """The need's own deadline has passed without anybody taking it on: close it, and put it before a human."""
    for offer in referral.offers_for(need.category):
        if offer.state in OPEN_OFFER_STATES:
            withdraw(desk, offer, WithdrawReason.REFERRAL_CANCELLED)
    desk.record(Step.DEADLINE_PASSED, referral.referral_id, {"need": need.category, "due": now})
    if need.state is NeedState.NO_MATCH:
        desk.schedule(need, None, None, desk.broker_org)
        desk.raise_work(need, Waiting.EXPIRED_UNTAKEN)
        return
    desk.move_need(need, NeedState.EXPIRED)
    desk.schedule(need, None, None, desk.broker_org)
    desk.raise_work(need, Waiting.EXPIRED_UNTAKEN)
    tell_closed(desk, referral, need)
    if need.priority in _ASKED_AGAIN:
        tell_escalated(desk, referral, need, EscalationNotice.SUBMIT_AGAIN)
