"""referral.sealed: the source has wrapped its content keys; whoever has accepted receives its own."""

from broker.domain import lifecycle
from broker.domain.question import Party
from broker.handlers.arrival import Arrival
from broker.handlers.cases import OPEN_OFFER_STATES, Referral
from broker.handlers.desk import Desk
from broker.handlers.releasing import release
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState
from broker.trail.entries import Step

AWAITING = frozenset({NeedState.ACCEPTED, NeedState.HANDOFF, NeedState.CONTACT_PENDING, NeedState.ENGAGED})


def handle(arrival: Arrival[ReferralSealed], desk: Desk) -> None:
    """Keep the wrapped keys apart from the ciphertexts, and release what was waiting for them.

    What is wrapped for a need that is over is not kept: nobody would destroy it in time (docs/decisions/0089).
    """
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    for wrap in arrival.fact.wraps:
        if wrap.field_group not in referral.groups:
            raise Refused(RefusalCode.SEALED_GROUP_UNKNOWN, "wraps")
        if wrap.key_id not in desk.directory.sealing_keys.get(wrap.recipient, ()):
            raise Refused(RefusalCode.KEY_UNKNOWN, "wraps")
    for wrap in arrival.fact.wraps:
        if not _over(referral, desk.directory.parties.get(wrap.recipient)):
            desk.put(referral.wraps, (wrap.field_group, wrap.recipient), wrap)
            desk.written.sealed.append((referral.referral_id, wrap))
    recipients = sorted({wrap.recipient for wrap in arrival.fact.wraps})
    groups = sorted({wrap.field_group for wrap in arrival.fact.wraps})
    desk.record(Step.KEYS_RECEIVED, referral.referral_id, {"recipients": recipients, "groups": groups})
    for need in referral.needs.values():
        if need.state in AWAITING and need.provider in recipients:
            offer = referral.offers[need.offer_id] if need.offer_id is not None else None
            if offer is not None and offer.state not in OPEN_OFFER_STATES:
                new = frozenset(wrap.field_group for wrap in arrival.fact.wraps if wrap.recipient == need.provider)
                release(desk, referral, need, offer, only=new if need.released else None)


def _over(referral: Referral, recipient: Party | None) -> bool:
    category = recipient.category if recipient is not None else None
    need = referral.needs.get(category) if category is not None else None
    return need is not None and lifecycle.is_terminal(lifecycle.NEED, need.state)
