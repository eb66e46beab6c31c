"""referral.requested: a source asks for help for somebody; each kind of help is a need that providers are asked for."""

from broker.domain.acceptance import refuse_unfounded
from broker.domain.consent import ConsentRef
from broker.domain.deadlines import raised
from broker.domain.needs import groups_of, priorities_by_category, services_by_category
from broker.handlers.arrival import Arrival
from broker.handlers.beginning import new_need
from broker.handlers.cases import Incident, Referral, Request
from broker.handlers.desk import Desk
from broker.handlers.seeking import seek
from broker.schemas.ids import ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import Priority, RecipientCategory, Service
from broker.trail.entries import Step


def handle(arrival: Arrival[ReferralRequested], desk: Desk) -> None:
    """Take the referral on: freeze the policy on it, split it into needs, and seek a provider for each."""
    referral_id = ReferralId(arrival.envelope.subject)
    if referral_id in desk.referrals:
        raise Refused(RefusalCode.REFERRAL_EXISTS, "subject")
    refuse_unfounded(arrival.fact, desk.pack, named=arrival.envelope.consentid is not None)
    referral = _referral(referral_id, arrival, desk)
    urgency = priorities_by_category(arrival.fact)
    _heed_floor(referral, urgency, desk)
    for category, services in _needs(referral, arrival.fact, desk).items():
        referral.needs[category] = new_need(desk, referral, category, services, urgency.get(category))
    desk.add_referral(referral)
    for group in arrival.fact.sealed:
        desk.put(referral.sealed, group.field_group, group)
        desk.written.sealed.append((referral_id, group))
    desk.record(
        Step.REFERRAL_SUBMITTED,
        referral_id,
        {
            "source": referral.source,
            "schema": arrival.envelope.type,
            "priority": referral.priority,
            "needs": list(referral.needs),
            **({"urgency": {kind.value: priority for kind, priority in urgency.items()}} if urgency else {}),
            "groups": sorted(referral.groups),
            "consent": f"{referral.consent.consent_id}/{referral.consent.version}" if referral.consent else None,
            "policy": referral.policy,
            **_necessity(referral),
        },
    )
    for need in referral.needs.values():
        seek(desk, referral, need)


def _referral(referral_id: ReferralId, arrival: Arrival[ReferralRequested], desk: Desk) -> Referral:
    envelope, fact = arrival.envelope, arrival.fact
    request = _request(fact)
    consent = None
    if envelope.consentid is not None:
        consent = ConsentRef(envelope.consentid, envelope.consentver or 1)
    return Referral(
        referral_id=referral_id,
        source=arrival.party.org,
        priority=fact.priority,
        policy=desk.pack.reference,
        victim_agreed=fact.victim_agreed,
        request_text=request.model_dump_json(exclude_none=True),
        groups=groups_of(fact),
        received_at=desk.now,
        excluded=frozenset(fact.excluded_recipients),
        incident_id=fact.incident_id,
        consent=consent,
        parsed=request,
    )


def _necessity(referral: Referral) -> dict[str, object]:
    """Which note in the source's own file it rests on, for whoever audits that file."""
    note = referral.necessity
    if note is None:
        return {}
    return {"necessity": {"basis": note.basis, "why": note.why, "criterion": note.criterion, "note": note.note_ref}}


def _request(fact: ReferralRequested) -> Request:
    return Request(
        need_summary=fact.need_summary,
        access_needs=fact.access_needs,
        jurisdiction_code=fact.jurisdiction_code,
        area=fact.area,
        worker_contact=fact.worker_contact,
        necessity=fact.necessity,
        urgency=fact.urgency or None,
    )


def _heed_floor(referral: Referral, urgency: dict[RecipientCategory, Priority], desk: Desk) -> None:
    """What was already known of the incident's danger when the referral came raises all of it."""
    incident = _incident_of(referral, desk)
    if incident is not None and incident.floor is not None:
        referral.priority = raised(referral.priority, incident.floor)
        urgency |= {category: raised(priority, incident.floor) for category, priority in urgency.items()}


def _needs(referral: Referral, fact: ReferralRequested, desk: Desk) -> dict[RecipientCategory, tuple[Service, ...]]:
    """What is asked for, and care where it was known already that somebody is hurt."""
    needs = services_by_category(fact)
    incident = _incident_of(referral, desk)
    if incident is not None and incident.medical_need:
        needs.setdefault(RecipientCategory.HEALTHCARE, (Service.MEDICAL_CARE,))
    return needs


def _incident_of(referral: Referral, desk: Desk) -> Incident | None:
    incident = desk.incidents.get(referral.incident_id) if referral.incident_id is not None else None
    return incident if incident is not None and incident.source == referral.source else None
