"""incident.reported: what happened, in codes; it ties its referrals together and may add a medical need to them."""

from broker.handlers.arrival import Arrival
from broker.handlers.beginning import new_need
from broker.handlers.cases import Incident, Referral
from broker.handlers.desk import Desk
from broker.handlers.seeking import seek
from broker.schemas.ids import IncidentId, OrgId
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import RecipientCategory, Service
from broker.trail.entries import Step


def handle(arrival: Arrival[IncidentReported], desk: Desk) -> None:
    """Note the incident, whichever of it and its referrals came first; a person who is hurt gets a healthcare offer."""
    incident = incident_of(desk, IncidentId(arrival.envelope.subject), arrival.party.org)
    medical = incident.medical_need or arrival.fact.medical_need_now
    desk.change(incident, reported=True, medical_need=medical)
    desk.record(Step.INCIDENT_REPORTED, None, {"incident": incident.incident_id, "medicalNeed": medical})
    if not medical:
        return
    tied = desk.of_incident(incident)
    if tied and not any(RecipientCategory.HEALTHCARE in referral.needs for referral in tied):
        _add_medical_need(desk, min(tied, key=lambda referral: referral.received_at))


def incident_of(desk: Desk, incident_id: IncidentId, source: OrgId) -> Incident:
    """The incident, made if this is the first word of it; another organisation's is answered as unknown."""
    incident = desk.incidents.get(incident_id)
    if incident is None:
        incident = Incident(incident_id, source)
        desk.put(desk.incidents, incident_id, incident)
    elif incident.source != source:
        raise Refused(RefusalCode.INCIDENT_UNKNOWN, "subject")
    return incident


def _add_medical_need(desk: Desk, referral: Referral) -> None:
    need = new_need(desk, referral, RecipientCategory.HEALTHCARE, (Service.MEDICAL_CARE,))
    desk.add_need(referral, need)
    seek(desk, referral, need)
