"""referral.cancelled: the source or the survivor takes the request back; everybody who holds it is told."""

from enum import StrEnum

from broker.handlers.arrival import Arrival
from broker.handlers.cases import OPEN_OFFER_STATES, Need, Referral
from broker.handlers.desk import Desk
from broker.handlers.telling import tell_closed, withdraw
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState, OfferState, WithdrawReason


def handle(arrival: Arrival[ReferralCancelled], desk: Desk) -> None:
    """Close every need that can still be closed this way; refuse where the service has begun for all of them."""
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    closable = [need for need in referral.needs.values() if desk.can_move(need, NeedState.CANCELLED)]
    if not closable:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "subject")
    for need in closable:
        close(desk, referral, need, NeedState.CANCELLED, arrival.fact.reason, WithdrawReason.REFERRAL_CANCELLED)


def close(
    desk: Desk, referral: Referral, need: Need, state: NeedState, reason: StrEnum, withdrawn: WithdrawReason
) -> None:
    """End a need by its source's word: what is queued stops, what is offered or accepted is taken back."""
    for offer in referral.offers_for(need.category):
        if offer.state in OPEN_OFFER_STATES or offer.state is OfferState.ACCEPTED:
            withdraw(desk, offer, withdrawn)
    desk.written.stopped.append((referral.referral_id, need.category))
    desk.move_need(need, state, reason=reason.value)
    desk.schedule(need, None, None, None)
    tell_closed(desk, referral, need)
