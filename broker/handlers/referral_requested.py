"""referral.requested: a source asks for help for somebody; each kind of help is a need that providers are asked for."""

from broker.domain.acceptance import refuse_unfounded
from broker.domain.consent import ConsentRef
from broker.domain.deadlines import deadline, raised
from broker.domain.needs import groups_of, services_by_category
from broker.handlers.arrival import Arrival
from broker.handlers.cases import Need, Referral, Request
from broker.handlers.desk import Desk
from broker.handlers.seeking import seek
from broker.schemas.ids import ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState, Priority, RecipientCategory, Service
from broker.trail.entries import Step


def handle(arrival: Arrival[ReferralRequested], desk: Desk) -> None:
    """Take the referral on: freeze the policy on it, split it into needs, and seek a provider for each."""
    referral_id = ReferralId(arrival.envelope.subject)
    if referral_id in desk.referrals:
        raise Refused(RefusalCode.REFERRAL_EXISTS, "subject")
    refuse_unfounded(arrival.fact, desk.pack, named=arrival.envelope.consentid is not None)
    referral = _referral(referral_id, arrival, desk)
    for category, services in services_by_category(arrival.fact).items():
        referral.needs[category] = Need(referral_id, category, NeedState.SUBMITTED, services, desk.now)
    _heed_incident(referral, desk)
    desk.add_referral(referral)
    for group in arrival.fact.sealed:
        desk.put(referral.sealed, group.field_group, group)
        desk.written.sealed.append((referral_id, group))
    desk.record(
        Step.REFERRAL_SUBMITTED,
        referral_id,
        {
            "source": referral.source,
            "priority": referral.priority,
            "needs": list(referral.needs),
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
        expires_at=deadline(desk.pack, "referral_expiry", fact.priority, desk.now),
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
    )


def _heed_incident(referral: Referral, desk: Desk) -> None:
    """What was already known of the incident when the referral came: its urgency and its medical need."""
    incident = desk.incidents.get(referral.incident_id) if referral.incident_id is not None else None
    if incident is None or incident.source != referral.source:
        return
    if incident.floor is not None:
        referral.priority = raised(referral.priority, Priority(incident.floor))
        referral.expires_at = deadline(desk.pack, "referral_expiry", referral.priority, desk.now)
    if incident.medical_need and RecipientCategory.HEALTHCARE not in referral.needs:
        category, services = RecipientCategory.HEALTHCARE, (Service.MEDICAL_CARE,)
        referral.needs[category] = Need(referral.referral_id, category, NeedState.SUBMITTED, services, desk.now)
