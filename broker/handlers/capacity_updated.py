"""capacity.updated: a provider says how many places it has; its age counts from then."""

from broker.domain.matching import Capacity
from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk
from broker.schemas.capacity_updated import CapacityUpdated
from broker.schemas.refusal import RefusalCode, Refused
from broker.trail.entries import Step


def handle(arrival: Arrival[CapacityUpdated], desk: Desk) -> None:
    """Note the provider's own count; one from the future is refused, one older than the known changes nothing."""
    fact, org = arrival.fact, arrival.party.org
    if arrival.envelope.subject != org:
        raise Refused(RefusalCode.NOT_YOURS, "subject")
    if fact.as_of > desk.now + desk.pack.clock_skew:
        raise Refused(RefusalCode.TIME_IMPLAUSIBLE, "asOf")
    known = desk.capacity.get((org, fact.service))
    if known is not None and known.as_of > fact.as_of:
        return
    count = Capacity(fact.available, fact.as_of)
    desk.put(desk.capacity, (org, fact.service), count)
    desk.written.capacity.append((org, fact.service, fact.unit.value, count))
    desk.record(Step.CAPACITY_UPDATED, None, {"provider": org, "service": fact.service, "bucket": fact.available})
