"""consent.revoked: from this moment nothing more leaves under it; who has something is told (domain.md §4.4).

A partial revocation makes a new, narrower version. A revocation that comes before its consent is kept, so that the
consent is already revoked when it comes (reliability.md §6.3 F8).
"""

from dataclasses import replace

from broker.domain.consent import narrowed, terms
from broker.handlers.arrival import Arrival
from broker.handlers.cases import ConsentVersion
from broker.handlers.consent_recorded import go_on
from broker.handlers.desk import Desk
from broker.schemas.consent_revoked import ConsentRevoked, RevocationScope
from broker.schemas.ids import ConsentId
from broker.schemas.refusal import RefusalCode, Refused
from broker.trail.entries import Step


def handle(arrival: Arrival[ConsentRevoked], desk: Desk) -> None:
    """Record the revocation at once, whatever form it had, and take back what it no longer reaches."""
    consent_id = ConsentId(arrival.envelope.subject)
    known = desk.consents.get(consent_id)
    if known is not None and known.discloser != arrival.party.org:
        raise Refused(RefusalCode.CONSENT_UNKNOWN, "subject")
    version = _revoked(consent_id, arrival, known)
    desk.record(
        Step.CONSENT_REVOKED,
        None,
        {"consent": f"{consent_id}/{version.version}", "scope": arrival.fact.scope, "by": arrival.fact.by},
    )
    desk.put(desk.consents, consent_id, version)
    desk.written.consents.append(version)
    go_on(desk, consent_id)


def _revoked(consent_id: ConsentId, arrival: Arrival[ConsentRevoked], known: ConsentVersion | None) -> ConsentVersion:
    fact = arrival.fact
    if known is None or known.record is None or known.terms is None:
        return ConsentVersion(consent_id, fact.version, arrival.party.org, "revoked", None, None)
    if fact.scope is RevocationScope.ALL:
        return replace(known, status="revoked", terms=replace(known.terms, status="revoked"))
    record = narrowed(known.record, fact.scope.value, fact.scope_values)
    if record is None:
        return replace(known, status="revoked", terms=replace(known.terms, status="revoked"))
    return ConsentVersion(consent_id, record.version, known.discloser, record.status, record, terms(record))
