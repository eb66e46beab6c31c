"""A deadline has passed: offers expire and the next provider is asked; what nobody takes comes before a human."""

import logging
from collections.abc import Callable

from broker.domain.deadlines import deadline
from broker.handlers import breaking_glass, handing_over
from broker.handlers.cases import UNDECIDED_OFFER_STATES, Need, NextAction, Referral
from broker.handlers.desk import Desk
from broker.handlers.recalling import overdue
from broker.handlers.releasing import release
from broker.handlers.seeking import expire, seek
from broker.handlers.telling import expire_offer
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.ids import OfferId
from broker.schemas.vocabulary import RecipientCategory
from broker.trail.entries import Step

log = logging.getLogger(__name__)

FAILED = "DEADLINE_FAILED"
_CHASED = {
    NextAction.CHASE_KEYS: "KEYS_OVERDUE",
    NextAction.CHASE_CONTACT: "CONTACT_OVERDUE",
    NextAction.CHASE_OUTCOME: "OUTCOME_OVERDUE",
}


def work(referral: Referral, category: RecipientCategory, desk: Desk) -> None:
    """Work one deadline of a need; where that fails, the need comes before a human instead of failing at every tick."""
    need = referral.needs[category]

    def give_up() -> None:
        desk.raise_work(need, FAILED, referral)
        desk.schedule(need, None, None, desk.broker_org)

    guarded(desk, lambda: handle(referral, category, desk), give_up)


def work_recall(referral: Referral, offer_id: OfferId, desk: Desk) -> None:
    """Work one recipient's overdue answer, in the same way."""
    asked = referral.recalls[offer_id]

    def give_up() -> None:
        desk.raise_work(referral.needs[referral.offers[offer_id].category], FAILED, referral)
        desk.change(asked, due_at=None)

    guarded(desk, lambda: overdue(desk, referral, asked), give_up)


def work_glass(referral: Referral, glass_id: BreakGlassId, desk: Desk) -> None:
    """Work what is owed of an emergency and has not come, in the same way."""
    glass = referral.glass[glass_id]

    def give_up() -> None:
        desk.raise_work(referral.needs[glass.category], FAILED, referral)
        desk.change(glass, due_at=None)

    guarded(desk, lambda: breaking_glass.work_due(desk, referral, glass), give_up)


def guarded(desk: Desk, story: Callable[[], None], give_up: Callable[[], None]) -> None:
    """Work something that no event asked for; where that fails, `give_up` puts it before a human instead."""
    try:
        with desk.event(None, desk.broker_org):
            story()
    except Exception as defect:  # noqa: BLE001  whatever it is, a human is told
        log.error("what was due could not be worked (%s)", type(defect).__name__)
        with desk.event(None, desk.broker_org):
            give_up()


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
    elif need.next_action is NextAction.ASK_FOR_KEYS:
        _ask_for_keys(desk, referral, need)
    elif need.next_action is NextAction.CHASE_HANDOFF:
        handing_over.overdue(desk, referral, need)
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


def _ask_for_keys(desk: Desk, referral: Referral, need: Need) -> None:
    """Ask the gate and the source anew; if nothing comes of it, the wait goes on with its deadline and its owner."""
    assert need.offer_id is not None
    answer_by = deadline(desk.pack_of(referral), "awaiting_keys", referral.priority, desk.now)
    desk.schedule(need, NextAction.CHASE_KEYS, answer_by, referral.source)
    release(desk, referral, need, referral.offers[need.offer_id], only=frozenset() if need.released else None)


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
