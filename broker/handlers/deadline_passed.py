"""A deadline has passed: offers expire and the next provider is asked; what nobody takes comes before a human."""

import logging
from collections.abc import Callable

from broker.domain.deadlines import deadline
from broker.domain.work_list import Waiting
from broker.handlers import breaking_glass, handing_over
from broker.handlers.cases import Need, NextAction, Referral
from broker.handlers.climbing import climb, close_unmet, escalated
from broker.handlers.desk import Desk
from broker.handlers.recalling import overdue
from broker.handlers.releasing import release
from broker.handlers.seeking import expire, seek
from broker.handlers.telling import remind
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.ids import OfferId
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, RecipientCategory
from broker.trail.entries import Step

log = logging.getLogger(__name__)

FAILED = Waiting.DEADLINE_FAILED
_CHASED = {
    NextAction.CHASE_KEYS: (Waiting.KEYS_OVERDUE, None),
    NextAction.CHASE_CONTACT: (Waiting.CONTACT_OVERDUE, Acknowledgment.A4_CONTACT),
    NextAction.CHASE_OUTCOME: (Waiting.OUTCOME_OVERDUE, Acknowledgment.A6_OUTCOME),
}
"""Why a human has it, and what the provider owes, if it is the provider who does."""


def work(referral: Referral, category: RecipientCategory, desk: Desk) -> None:
    """Work one deadline of a need; where that fails, the need comes before a human instead of failing at every tick."""
    need = referral.needs[category]

    def give_up() -> None:
        desk.raise_work(need, FAILED)
        desk.schedule(need, None, None, desk.broker_org)

    guarded(desk, lambda: handle(referral, category, desk), give_up)


def work_recall(referral: Referral, offer_id: OfferId, desk: Desk) -> None:
    """Work one recipient's overdue answer, in the same way."""
    asked = referral.recalls[offer_id]

    def give_up() -> None:
        desk.raise_work(referral.needs[referral.offers[offer_id].category], FAILED)
        desk.change(asked, due_at=None)

    guarded(desk, lambda: overdue(desk, referral, asked), give_up)


def work_glass(referral: Referral, glass_id: BreakGlassId, desk: Desk) -> None:
    """Work what is owed of an emergency and has not come, in the same way."""
    glass = referral.glass[glass_id]

    def give_up() -> None:
        desk.raise_work(referral.needs[glass.category], FAILED)
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
    if need.next_action in (NextAction.EXPIRE_OFFERS, NextAction.CLIMB_LADDER):
        climb(desk, referral, need)
    elif need.next_action is NextAction.SEEK_AGAIN:
        seek(desk, referral, need)
    elif need.next_action is NextAction.EXPIRE_REFERRAL:
        expire(desk, referral, need, need.due_at)
    elif need.next_action is NextAction.CLOSE_UNMET:
        close_unmet(desk, referral, need)
    elif need.next_action is NextAction.ASK_FOR_KEYS:
        _ask_for_keys(desk, referral, need)
    elif need.next_action is NextAction.CHASE_HANDOFF:
        handing_over.overdue(desk, referral, need)
    else:
        _chase(desk, referral, need)


def _ask_for_keys(desk: Desk, referral: Referral, need: Need) -> None:
    """Ask the gate and the source anew; if nothing comes of it, the wait goes on with its deadline and its owner."""
    assert need.offer_id is not None
    answer_by = deadline(desk.pack_of(referral), "awaiting_keys", need.priority, desk.now)
    desk.schedule(need, NextAction.CHASE_KEYS, answer_by, referral.source)
    release(desk, referral, need, referral.offers[need.offer_id], only=frozenset() if need.released else None)


def _chase(desk: Desk, referral: Referral, need: Need) -> None:
    """Somebody owes a step. It stays open and theirs, they are reminded, and a human of the network is told once."""
    assert need.next_action is not None
    assert need.due_at is not None
    reason, owed = _CHASED[need.next_action]
    desk.record(
        Step.DEADLINE_PASSED,
        referral.referral_id,
        {"need": need.category, "due": need.due_at, "owed": reason, "by": need.owner},
    )
    if owed is not None and need.offer_id is not None:
        offer = referral.offers[need.offer_id]
        escalated(desk, referral, need, offer.offer_id, EscalationLevel.L1_ON_CALL, owed, need.due_at)
        remind(desk, offer, EscalationLevel.L1_ON_CALL, owed, need.due_at)
    desk.raise_work(need, reason)
    desk.schedule(need, need.next_action, None, need.owner)
