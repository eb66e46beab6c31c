"""A deadline has passed: offers expire and the next provider is asked; what nobody takes comes before a human."""

import logging

from broker.handlers.cases import UNDECIDED_OFFER_STATES, Need, NextAction, Referral
from broker.handlers.desk import Desk
from broker.handlers.seeking import expire, seek
from broker.handlers.telling import expire_offer
from broker.schemas.vocabulary import RecipientCategory
from broker.trail.entries import Step

log = logging.getLogger(__name__)

_CHASED = {
    NextAction.CHASE_KEYS: "KEYS_OVERDUE",
    NextAction.CHASE_CONTACT: "CONTACT_OVERDUE",
    NextAction.CHASE_OUTCOME: "OUTCOME_OVERDUE",
}


def work(referral: Referral, category: RecipientCategory, desk: Desk) -> None:
    """Work one deadline; where that fails, the need comes before a human instead of failing at every tick."""
    try:
        with desk.event(None, desk.broker_org):
            handle(referral, category, desk)
    except Exception as defect:  # noqa: BLE001  whatever it is, a human is told
        log.error("a deadline could not be worked (%s)", type(defect).__name__)
        need = referral.needs[category]
        with desk.event(None, desk.broker_org):
            desk.raise_work(need, "DEADLINE_FAILED", referral)
            desk.schedule(need, None, None, desk.broker_org)


def handle(referral: Referral, category: RecipientCategory, desk: Desk) -> None:
    """Do what was to happen at the need's deadline. Asked twice, or too early, it does nothing."""
    need = referral.needs[category]
    if need.due_at is None or need.due_at > desk.now or need.next_action is None:
        return
    if need.next_action is NextAction.EXPIRE_OFFERS:
        _expire_offers(desk, referral, need)
    elif need.next_action is NextAction.SEEK_AGAIN:
        seek(desk, referral, need)
    elif need.next_action is NextAction.EXPIRE_REFERRAL:
        expire(desk, referral, need, need.due_at)
    else:
        _chase(desk, referral, need)


def _expire_offers(desk: Desk, referral: Referral, need: Need) -> None:
    for offer in referral.offers_for(need.category):
        if offer.state in UNDECIDED_OFFER_STATES and offer.answer_by <= desk.now:
            expire_offer(desk, offer)
    if referral.expires_at <= desk.now:
        expire(desk, referral, need, referral.expires_at)
    else:
        seek(desk, referral, need)


def _chase(desk: Desk, referral: Referral, need: Need) -> None:
    """Somebody owes a step. It stays open and theirs, and a human of the network is told once for this deadline."""
    assert need.next_action is not None
    reason = _CHASED[need.next_action]
    desk.record(
        Step.DEADLINE_PASSED,
        referral.referral_id,
        {"need": need.category, "due": need.due_at, "owed": reason, "by": need.owner},
    )
    desk.raise_work(need, reason, referral)
    desk.schedule(need, need.next_action, None, need.owner)
