"""Climb the ladder of domain.md §10.4 for a need that nobody takes: each step once, each an entry of the trail.

Only the clock climbs, under the referral's lock and with the steps at hand that were taken before.
"""

from datetime import datetime
from typing import Final

from broker.domain.ladder import LadderStep
from broker.domain.work_list import Waiting
from broker.handlers.cases import UNDECIDED_OFFER_STATES, Escalation, Need, NextAction, Offer, Referral
from broker.handlers.desk import Desk
from broker.handlers.seeking import SEEKING, expire, seek, settle
from broker.handlers.telling import ForProvider, expire_offer, remind, tell_closed, tell_escalated
from broker.handlers.waiting import steps_of_need, steps_of_offer
from broker.schemas.ids import OfferId
from broker.schemas.referral_escalated import EscalationNotice
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, NeedState
from broker.trail.entries import Step

WHOLE_NEED: Final = OfferId("-")
"""Stands for the offer where a step is of the need as a whole."""


def climb(desk: Desk, referral: Referral, need: Need) -> None:
    """Take every step that is due, end the offers whose time is over, and ask the next provider in their place."""
    if need.state is NeedState.CONSENT_HOLD:
        seek(desk, referral, need)
        return
    assert need.state in SEEKING or need.state is NeedState.NO_MATCH
    given = need.category in referral.assigned
    desk.schedule(need, None, None, need.owner)
    if not given and desk.now < need.expires_at:
        _take_steps(desk, referral, need)
    lapsed = _end_offers(desk, referral, need)
    if need.expires_at <= desk.now:
        expire(desk, referral, need, need.expires_at)
    elif given:
        _leave_to_human(desk, referral, need)
    elif lapsed or need.state is NeedState.MATCHING:
        seek(desk, referral, need)
        if lapsed and need.state is not NeedState.NO_MATCH:
            tell_escalated(desk, referral, need, EscalationNotice.STILL_LOOKING)
    elif need.state is NeedState.NO_MATCH:
        _rest(desk, referral, need)
    else:
        settle(desk, referral, need)


def _take_steps(desk: Desk, referral: Referral, need: Need) -> None:
    """Nobody is reminded of what is over: where no clock ran for a while, some steps are left out."""
    for offer in _undecided(referral, need):
        if offer.answer_by <= desk.now:
            continue
        for step in steps_of_offer(desk, referral, offer):
            if step.at <= desk.now and escalated(desk, referral, need, offer.offer_id, step.level, step.owed, step.at):
                _remind(desk, referral, need, offer, step)
    for step in steps_of_need(desk, referral, need):
        if step.at <= desk.now and escalated(desk, referral, need, WHOLE_NEED, step.level, step.owed, step.at):
            _raise(desk, referral, need, step.level)


def escalated(
    desk: Desk,
    referral: Referral,
    need: Need,
    offer_id: OfferId,
    level: EscalationLevel,
    owed: Acknowledgment,
    due_at: datetime,
) -> bool:
    """Note one step of the ladder; False where it was taken before."""
    taken = Escalation(referral.referral_id, need.category, offer_id, level, owed)
    if taken in referral.escalated:
        return False
    desk.put(referral.escalated, taken, due_at)
    desk.written.escalations.append((taken, due_at))
    desk.record(
        Step.NEED_ESCALATED,
        referral.referral_id,
        {"need": need.category, "offer": offer_id, "level": level, "owed": owed, "due": due_at},
    )
    return True


def _remind(desk: Desk, referral: Referral, need: Need, offer: Offer, step: LadderStep) -> None:
    decided = step.owed is Acknowledgment.A3_DECIDED
    on_call = step.level is EscalationLevel.L1_ON_CALL
    level: ForProvider = EscalationLevel.L1_ON_CALL if on_call else EscalationLevel.L0_CONTACT
    remind(desk, offer, level, step.owed, offer.answer_by if decided else step.at)
    if step.owed is Acknowledgment.A2_RECEIPTED:
        desk.raise_work(need, Waiting.OFFER_UNSEEN)


def _raise(desk: Desk, referral: Referral, need: Need, level: EscalationLevel) -> None:
    if level is EscalationLevel.L4_FALLBACK:
        tell_escalated(desk, referral, need, EscalationNotice.CALL_FALLBACK)
        desk.raise_work(need, Waiting.MANAGER_NEEDED)
    elif need.state is not NeedState.NO_MATCH:  # Else it is before a coordinator already, as NOBODY_LEFT.
        desk.raise_work(need, Waiting.COORDINATOR_NEEDED)


def _end_offers(desk: Desk, referral: Referral, need: Need) -> list[Offer]:
    lapsed = [offer for offer in _undecided(referral, need) if offer.answer_by <= desk.now]
    for offer in lapsed:
        expire_offer(desk, offer)
        level, owed = EscalationLevel.L2_NEXT_CANDIDATE, Acknowledgment.A3_DECIDED
        escalated(desk, referral, need, offer.offer_id, level, owed, offer.answer_by)
    return lapsed


def _leave_to_human(desk: Desk, referral: Referral, need: Need) -> None:
    """Whoever was given it has it until the referral's own end; open offers keep the time that they were promised."""
    undecided = _undecided(referral, need)
    if not undecided and need.state is NeedState.OFFERED:
        desk.move_need(need, NeedState.MATCHING)
    ends = min([offer.answer_by for offer in undecided], default=need.expires_at)
    action = NextAction.EXPIRE_OFFERS if undecided and ends < need.expires_at else NextAction.EXPIRE_REFERRAL
    desk.schedule(need, action, min(ends, need.expires_at), desk.broker_org)


def _rest(desk: Desk, referral: Referral, need: Need) -> None:
    """Nobody is left, and a human has it: what is still to come is the number, and the referral's end."""
    coming = [step.at for step in steps_of_need(desk, referral, need) if step.at > desk.now]
    at = min(coming, default=need.expires_at)
    action = NextAction.CLIMB_LADDER if at < need.expires_at else NextAction.EXPIRE_REFERRAL
    desk.schedule(need, action, min(at, need.expires_at), desk.broker_org)


def _undecided(referral: Referral, need: Need) -> list[Offer]:
    return [offer for offer in referral.offers_for(need.category) if offer.state in UNDECIDED_OFFER_STATES]


def close_unmet(desk: Desk, referral: Referral, need: Need) -> None:
    """A human has decided that nobody can help (L5): close it, and tell the source. What was taken since, stays."""
    decided = referral.unmet.get(need.category)
    if decided is None or not desk.can_move(need, NeedState.CLOSED_UNMET):
        desk.schedule(need, None, None, need.owner)
        if need.state in SEEKING:
            settle(desk, referral, need)
        return
    level, owed = EscalationLevel.L5_CLOSED_UNMET, Acknowledgment.A3_DECIDED
    escalated(desk, referral, need, WHOLE_NEED, level, owed, desk.now)
    desk.move_need(need, NeedState.CLOSED_UNMET, unmet=decided.reason, by=decided.by)
    desk.schedule(need, None, None, None)
    tell_closed(desk, referral, need)
