"""risk.screened: the screen's result raises urgency; it never lowers it and never widens what may be shared."""

from broker.domain import lifecycle
from broker.domain.deadlines import deadline, raised
from broker.domain.risk import priority_floor
from broker.handlers.arrival import Arrival
from broker.handlers.cases import UNDECIDED_OFFER_STATES, Need, Referral
from broker.handlers.desk import Desk
from broker.handlers.incident_reported import incident_of
from broker.handlers.seeking import SEEKING, seek
from broker.schemas.ids import IncidentId
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.vocabulary import Acknowledgment, NeedState, Priority
from broker.trail.entries import Step


def handle(arrival: Arrival[RiskScreened], desk: Desk) -> None:
    """Raise the incident's least urgency, and with it that of its referrals that came before the screen."""
    incident = incident_of(desk, IncidentId(arrival.envelope.subject), arrival.party.org)
    floor = priority_floor(
        arrival.fact.result, arrival.fact.band, unsafe_tonight=arrival.fact.unsafe_tonight, floors=desk.pack.risk
    )
    desk.record(
        Step.RISK_SCREENED,
        None,
        {
            "incident": incident.incident_id,
            "instrument": arrival.fact.instrument,
            "floor": floor if floor else None,
        },
    )
    if floor is None:
        desk.change(incident, floor=incident.floor)
        return
    desk.change(incident, floor=floor if incident.floor is None else raised(incident.floor, floor))
    for referral in desk.of_incident(incident):
        _raise(desk, referral, floor)


def _raise(desk: Desk, referral: Referral, floor: Priority) -> None:
    """Every need of it that is open, each from where it stands; none is ever lowered."""
    if raised(referral.priority, floor) is not referral.priority:
        desk.change(referral, priority=raised(referral.priority, floor))
    for need in referral.needs.values():
        priority = raised(need.priority, floor)
        if priority is not need.priority and not lifecycle.is_terminal(lifecycle.NEED, need.state):
            _raise_need(desk, referral, need, priority)


def _raise_need(desk: Desk, referral: Referral, need: Need, priority: Priority) -> None:
    desk.record(
        Step.PRIORITY_RAISED,
        referral.referral_id,
        {"need": need.category, "from": need.priority, "to": priority, "rule": "RISK-6.5"},
    )
    expires_at = min(need.expires_at, deadline(desk.pack_of(referral), "referral_expiry", priority, desk.now))
    desk.change(need, priority=priority, expires_at=expires_at)
    if need.state in SEEKING and need.state is not NeedState.CONSENT_HOLD:
        _hurry(desk, referral, need)


def _hurry(desk: Desk, referral: Referral, need: Need) -> None:
    """Open offers answer by the new urgency's deadline where that is sooner, and more providers may be asked."""
    pack = desk.pack_of(referral)
    for offer in referral.offers_for(need.category):
        calendar = desk.directory.calendar_of(offer.provider)
        answer_by = deadline(pack, Acknowledgment.A3_DECIDED, need.priority, desk.now, calendar)
        if offer.state in UNDECIDED_OFFER_STATES and answer_by < offer.answer_by:
            desk.change(offer, answer_by=answer_by)
    seek(desk, referral, need)
