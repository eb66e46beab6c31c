"""offer.receipted, accepted, declined, waitlisted: what a provider says to an offer. The first acceptance wins."""

from broker.domain.deadlines import deadline
from broker.domain.work_list import Waiting
from broker.handlers.arrival import Arrival
from broker.handlers.awaiting import await_contact
from broker.handlers.cases import OPEN_OFFER_STATES, Need, Offer, Referral
from broker.handlers.desk import Desk
from broker.handlers.releasing import release
from broker.handlers.seeking import seek
from broker.handlers.telling import tell_declined, tell_status, withdraw_others
from broker.handlers.waiting import steps_of_need
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import Acknowledgment, NeedState, OfferState, WithdrawReason


def receipted(arrival: Arrival[OfferReceipted], desk: Desk) -> None:
    """Somebody's system or a human has seen the offer (A2): nothing about the person, so the source may hear it."""
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    if offer.state is not OfferState.MADE:
        return  # A receipt that comes after the answer, or twice, changes nothing: acknowledgments only rise.
    _seen(desk, referral, offer)
    first = all(other.state is OfferState.MADE for other in referral.offers_for(need.category))
    desk.move_offer(offer, OfferState.RECEIPTED, Acknowledgment.A2_RECEIPTED)
    if first:
        tell_status(desk, referral, need, Acknowledgment.A2_RECEIPTED)


def accepted(arrival: Arrival[OfferAccepted], desk: Desk) -> None:
    """A human has said yes: the others are withdrawn, and the gate is asked what may be released.

    Where the survivor is taken over live, the need waits for that first.
    """
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    _still_open(offer)
    _seen(desk, referral, offer)
    desk.move_offer(offer, OfferState.ACCEPTED, Acknowledgment.A3_DECIDED)
    withdraw_others(desk, referral, offer)
    _found(desk, referral, need)
    live = arrival.fact.live_transfer
    desk.move_need(need, NeedState.ACCEPTED, *(() if live else (NeedState.CONTACT_PENDING,)))
    desk.change(need, offer_id=offer.offer_id, provider=offer.provider, feedback_consent=arrival.consent_named())
    await_contact(desk, referral, need, offer.provider)
    release(desk, referral, need, offer)
    if need.state in (NeedState.ACCEPTED, NeedState.CONTACT_PENDING):
        tell_status(desk, referral, need, Acknowledgment.A3_DECIDED)


def declined(arrival: Arrival[OfferDeclined], desk: Desk) -> None:
    """A coded no: the next eligible provider is asked, with the consent asked again."""
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    if offer.state is OfferState.ACCEPTED:
        _given_back(arrival, desk, referral, need, offer)
        return
    _still_open(offer)
    _seen(desk, referral, offer)
    reason = arrival.fact.reason
    desk.move_offer(offer, OfferState.DECLINED, Acknowledgment.A3_DECIDED, reason=reason.value)
    desk.change(offer, reason=reason.value)
    tell_declined(desk, referral, need, offer, reason, arrival.consent_named())
    seek(desk, referral, need)


def waitlisted(arrival: Arrival[OfferWaitlisted], desk: Desk) -> None:
    """A place in the queue: kept open, while others go on being asked."""
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    _still_open(offer)
    _seen(desk, referral, offer)
    if offer.state is OfferState.WAITLISTED:
        return
    desk.move_offer(offer, OfferState.WAITLISTED, Acknowledgment.A3_DECIDED)
    seek(desk, referral, need)


def _given_back(arrival: Arrival[OfferDeclined], desk: Desk, referral: Referral, need: Need, offer: Offer) -> None:
    """A provider that had accepted cannot go on before the service began: somebody else is sought at once."""
    if not desk.can_move(need, NeedState.MATCHING):
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "offerId")
    desk.move_offer(offer, OfferState.WITHDRAWN, reason=arrival.fact.reason.value)
    desk.change(offer, reason=arrival.fact.reason.value)
    desk.move_need(need, NeedState.MATCHING)
    desk.change(need, offer_id=None, provider=None, released=False, engaged=False)
    tell_declined(desk, referral, need, offer, arrival.fact.reason, arrival.consent_named())
    seek(desk, referral, need)


def _seen(desk: Desk, referral: Referral, offer: Offer) -> None:
    """Somebody has seen it after all: what was put before a human because nobody had is settled."""
    if offer.rung >= Acknowledgment.A2_RECEIPTED:
        return
    pack, calendar = desk.pack_of(referral), desk.directory.calendar_of(offer.provider)
    if desk.now > deadline(
        pack, Acknowledgment.A2_RECEIPTED, referral.needs[offer.category].priority, offer.made_at, calendar
    ):
        desk.written.settled.append((referral.referral_id, offer.category, Waiting.OFFER_UNSEEN))


def _found(desk: Desk, referral: Referral, need: Need) -> None:
    """Somebody has it: no coordinator needs to look for one any more."""
    if desk.now >= steps_of_need(desk, referral, need)[0].at:
        for reason in (Waiting.COORDINATOR_NEEDED, Waiting.NOBODY_LEFT, Waiting.MANAGER_NEEDED):
            desk.written.settled.append((referral.referral_id, need.category, reason))


def _still_open(offer: Offer) -> None:
    """Distinct codes, so that a provider knows why its answer changes nothing (lessons.md §5)."""
    if offer.state in OPEN_OFFER_STATES:
        return
    if offer.state is OfferState.EXPIRED:
        raise Refused(RefusalCode.OFFER_EXPIRED, "offerId")
    if offer.state is OfferState.WITHDRAWN:
        taken = offer.reason == WithdrawReason.TAKEN_BY_OTHER.value
        raise Refused(RefusalCode.OFFER_TAKEN if taken else RefusalCode.OFFER_WITHDRAWN, "offerId")
    raise Refused(RefusalCode.OFFER_ALREADY_ANSWERED, "offerId")
