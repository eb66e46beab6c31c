"""disclosures.listed: a survivor was shown who received what about her; that is an entry, and nothing follows."""

from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk
from broker.schemas.disclosures_listed import DisclosuresListed
from broker.trail.entries import Step


def handle(arrival: Arrival[DisclosuresListed], desk: Desk) -> None:
    """Note that its source has made the list."""
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    facts = {"recipients": arrival.fact.recipients, "form": arrival.fact.form}
    desk.record(Step.LIST_MADE, referral.referral_id, facts)
