"""delivery.succeeded and delivery.failed: whether a provider was reached. Whom nobody reaches, nobody waits for."""

from broker.handlers.arrival import Arrival
from broker.handlers.cases import OPEN_OFFER_STATES
from broker.handlers.desk import Desk
from broker.handlers.seeking import seek
from broker.handlers.telling import end_undelivered
from broker.schemas.delivery_failed import DeliveryFailed
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.vocabulary import Acknowledgment, OfferState
from broker.trail.entries import Step

UNDELIVERED = "UNDELIVERED"


def succeeded(arrival: Arrival[DeliverySucceeded], desk: Desk) -> None:
    """The provider's own system has the offer (A1). What comes late or twice changes nothing."""
    _, _, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    if offer.state is not OfferState.MADE or offer.rung >= Acknowledgment.A1_DELIVERED:
        return
    facts = {"offer": offer.offer_id, "provider": offer.provider, "from": offer.state, "to": offer.state}
    desk.record(Step.OFFER_MOVED, offer.referral_id, {**facts, "rung": Acknowledgment.A1_DELIVERED})
    desk.change(offer, rung=Acknowledgment.A1_DELIVERED, changed_at=desk.now)


def failed(arrival: Arrival[DeliveryFailed], desk: Desk) -> None:
    """The provider cannot be reached: its unseen offer ends and the next one is asked, by the consent as it is now.

    Where it has accepted, what could not be handed over comes before a human, who calls. For anything else that did
    not arrive nothing is left to be done: the offer is over.
    """
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    if offer.state is OfferState.MADE:
        end_undelivered(desk, offer, UNDELIVERED, arrival.fact.code)
        seek(desk, referral, need)
    elif offer.state in OPEN_OFFER_STATES or offer.state is OfferState.ACCEPTED:
        desk.raise_work(need, UNDELIVERED)
