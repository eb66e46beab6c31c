"""referral.cancelled: the source or the survivor takes the request back; everybody who holds it is told."""

from broker.handlers.arrival import Arrival
from broker.handlers.cases import OPEN_OFFER_STATES
from broker.handlers.desk import Desk
from broker.handlers.telling import tell_closed, withdraw
from broker.schemas.referral_cancelled import CancelReason, ReferralCancelled
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState, OfferState, WithdrawReason


def handle(arrival: Arrival[ReferralCancelled], desk: Desk) -> None:
    """Close every need that can still be closed this way; refuse where the service has begun for all of them."""
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    mistaken = arrival.fact.reason is CancelReason.ENTERED_IN_ERROR
    goal = NeedState.ENTERED_IN_ERROR if mistaken else NeedState.CANCELLED
    closable = [need for need in referral.needs.values() if desk.can_move(need, goal)]
    if not closable:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "subject")
    for need in closable:
        for offer in referral.offers_for(need.category):
            if offer.state in OPEN_OFFER_STATES or offer.state is OfferState.ACCEPTED:
                withdraw(desk, offer, WithdrawReason.REFERRAL_CANCELLED)
        desk.written.stopped.append((referral.referral_id, need.category))
        desk.move_need(need, goal, reason=arrival.fact.reason.value)
        desk.schedule(need, None, None, None)
        tell_closed(desk, referral, need)
