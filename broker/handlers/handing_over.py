"""handoff.*: a live transfer, worker and provider on one line; where it does not come about, contact is made as usual.

A word that comes after the broker has stopped waiting is noted and not refused: it says what has happened.
"""

from broker.domain.work_list import Waiting
from broker.handlers.arrival import Arrival
from broker.handlers.awaiting import await_contact
from broker.handlers.cases import Need, Referral
from broker.handlers.desk import Desk
from broker.handlers.releasing import release
from broker.handlers.service_followed import engage, taken_on
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState
from broker.trail.entries import Step

_NOTED = frozenset({NeedState.HANDOFF, NeedState.CONTACT_PENDING})
"""Where a word about the transfer changes nothing, and is true all the same."""


def started(arrival: Arrival[HandoffStarted], desk: Desk) -> None:
    """They are on one line; from now on contact is due."""
    referral, need = taken_on(arrival, desk)
    facts = {"takenBy": arrival.fact.taken_by.value, "pickedUp": arrival.fact.picked_up.value}
    if need.state is not NeedState.ACCEPTED:
        _note(desk, need, facts)
        return
    desk.move_need(need, NeedState.HANDOFF, **facts)
    assert need.provider is not None
    await_contact(desk, referral, need, need.provider)


def completed(arrival: Arrival[HandoffCompleted], desk: Desk) -> None:
    """She was passed on live: that is contact (A4), whether or not the beginning was told."""
    referral, need = taken_on(arrival, desk)
    begun = (NeedState.HANDOFF,) if need.state is NeedState.ACCEPTED else ()
    engage(desk, referral, need, *begun)
    desk.written.settled.append((referral.referral_id, need.category, Waiting.HANDOFF_OVERDUE))


def failed(arrival: Arrival[HandoffFailed], desk: Desk) -> None:
    """It did not come about: the provider makes contact as usual."""
    referral, need = taken_on(arrival, desk)
    reason = arrival.fact.reason.value
    if need.state is NeedState.CONTACT_PENDING:
        _note(desk, need, {"failed": reason})
        return
    _fall_back(desk, referral, need, failed=reason)


def overdue(desk: Desk, referral: Referral, need: Need) -> None:
    """Nobody has said anything in time: contact as usual, and a human of the network is told."""
    desk.record(
        Step.DEADLINE_PASSED,
        referral.referral_id,
        {"need": need.category, "due": need.due_at, "owed": Waiting.HANDOFF_OVERDUE, "by": need.owner},
    )
    desk.raise_work(need, Waiting.HANDOFF_OVERDUE)
    _fall_back(desk, referral, need)


def _fall_back(desk: Desk, referral: Referral, need: Need, **facts: str) -> None:
    """Contact is due anew; what the source had not wrapped by now, it is asked for once more."""
    assert need.provider is not None
    assert need.offer_id is not None
    desk.move_need(need, NeedState.CONTACT_PENDING, **facts)
    await_contact(desk, referral, need, need.provider)
    if not need.released:
        release(desk, referral, need, referral.offers[need.offer_id])


def _note(desk: Desk, need: Need, facts: dict[str, str]) -> None:
    if need.state not in _NOTED:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "offerId")
    desk.record(Step.NEED_MOVED, need.referral_id, {"need": need.category, **facts})
