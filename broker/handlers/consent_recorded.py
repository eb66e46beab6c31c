"""consent.granted and consent.narrowed: the registry learns a version, and what waited for it goes on."""

from broker.domain.acceptance import refuse_unlawful
from broker.domain.consent import ConsentRef
from broker.handlers.arrival import Arrival
from broker.handlers.cases import as_it_stands, excluded_fields
from broker.handlers.desk import Desk
from broker.handlers.recalling import recall
from broker.handlers.seeking import SEEKING, reconsider
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_record import kept_text, text_digest
from broker.schemas.ids import ConsentId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState
from broker.trail.entries import Step

TAKEN = frozenset({NeedState.ACCEPTED, NeedState.HANDOFF, NeedState.CONTACT_PENDING, NeedState.ENGAGED})


def handle(arrival: Arrival[ConsentGranted] | Arrival[ConsentNarrowed], desk: Desk) -> None:
    """Record the version if it is lawful and newer than what is known; an older one that comes late is only noted.

    A revocation that came before it and names it, or a later version, counts as if it had come after (F8).
    """
    record = arrival.fact.record
    consent_id = ConsentId(arrival.envelope.subject)
    refuse_unlawful(arrival.envelope, arrival.fact, arrival.party.org_class, desk.pack, desk.now)
    known = desk.consents.get(consent_id)
    if known is not None and known.discloser != arrival.party.org:
        raise Refused(RefusalCode.CONSENT_UNKNOWN, "subject")
    if known is not None and known.version == record.version and known.record != record:
        raise Refused(RefusalCode.CONSENT_VERSION_CONFLICT, "record.version")
    newer = known is None or record.version > known.version
    text = kept_text(record)
    desk.record(
        Step.CONSENT_RECORDED,
        None,
        {
            "consent": f"{consent_id}/{record.version}",
            "decision": record.decision,
            "status": record.status,
            "digest": text_digest(text),
            "inForce": newer,
        },
    )
    if not newer:
        return
    if known is not None and known.record is not None:
        desk.put(desk.excluded_before, ConsentRef(consent_id, known.version), excluded_fields(known.record))
    before = known.revocations if known is not None else ()
    version = as_it_stands(record, text, arrival.party.org, record.status, before)
    desk.put(desk.consents, consent_id, version)
    desk.written.consents.append(version)
    go_on(desk, consent_id)


def go_on(desk: Desk, consent_id: ConsentId) -> None:
    """Ask again for every need whose referral names this consent or concerns the same survivor; take back what was
    handed over and is covered no longer."""
    for referral in desk.under_consent(consent_id):
        for need in referral.needs.values():
            if need.state in SEEKING or need.state in TAKEN:
                reconsider(desk, referral, need)
        recall(desk, referral)
