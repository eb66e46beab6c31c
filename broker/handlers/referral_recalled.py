"""referral.recalled: it should never have gone out: nothing more is sent, and whoever got something is asked for it."""

from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk
from broker.handlers.recalling import recall
from broker.handlers.referral_cancelled import close
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState, WithdrawReason


def handle(arrival: Arrival[ReferralRecalled], desk: Desk) -> None:
    """End every need in whatever state it is (domain.md §10.2), then ask for everything back that was handed over."""
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    standing = [need for need in referral.needs.values() if desk.can_move(need, NeedState.ENTERED_IN_ERROR)]
    if not standing:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "subject")
    reason = arrival.fact.reason
    for need in standing:
        close(desk, referral, need, NeedState.ENTERED_IN_ERROR, reason, WithdrawReason.REFERRAL_RECALLED)
    recall(desk, referral, reason)
