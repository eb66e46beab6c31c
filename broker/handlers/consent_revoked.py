"""consent.revoked: from this moment nothing more leaves under it; who has something is told (domain.md §4.4).

It covers every version up to the one that it names, those that have not come yet too (reliability.md §6.3 F8), and
makes none: the numbers of versions are the discloser's alone (docs/decisions/0026).
"""

from collections.abc import Container
from dataclasses import replace

from broker.domain.consent import Revoked, understood
from broker.handlers.arrival import Arrival
from broker.handlers.cases import ConsentVersion, as_it_stands
from broker.handlers.consent_recorded import go_on
from broker.handlers.desk import Desk
from broker.schemas.consent_revoked import ConsentRevoked, values_digest
from broker.schemas.ids import ConsentId
from broker.schemas.refusal import RefusalCode, Refused
from broker.trail.entries import Step

REVOKED_FIRST = "revoked-first"
"""What stands in the registry where a revocation came before any version of its consent."""


def handle(arrival: Arrival[ConsentRevoked], desk: Desk) -> None:
    """Record the revocation at once, whatever form it had, and take back what it no longer reaches."""
    consent_id = ConsentId(arrival.envelope.subject)
    known = desk.consents.get(consent_id)
    if known is not None and known.discloser != arrival.party.org:
        raise Refused(RefusalCode.CONSENT_UNKNOWN, "subject")
    version = _revoked(consent_id, arrival, known, desk.directory.parties)
    kept = version.revocations[-1]
    facts = {
        "consent": f"{consent_id}/{kept.version}",
        "scope": arrival.fact.scope,
        "digest": values_digest(consent_id, kept.values),
        "by": arrival.fact.by,
    }
    if kept.scope != arrival.fact.scope:
        facts["taken"] = kept.scope
    desk.record(Step.CONSENT_REVOKED, None, facts)
    desk.put(desk.consents, consent_id, version)
    desk.written.consents.append(version)
    go_on(desk, consent_id)


def _revoked(
    consent_id: ConsentId, arrival: Arrival[ConsentRevoked], known: ConsentVersion | None, network: Container[str]
) -> ConsentVersion:
    """The newest known version under one more revocation; before any version came, version 0 keeps it for them."""
    fact = arrival.fact
    before = known or ConsentVersion(consent_id, 0, arrival.party.org, REVOKED_FIRST, None, None)
    covers = max(fact.version, before.version)
    revoked = understood(Revoked(covers, fact.scope.value, fact.scope_values), before.record, network)
    revocations = (*before.revocations, revoked)
    if before.record is None:
        return replace(before, revocations=revocations)
    return as_it_stands(before.record, before.text, before.discloser, before.status, revocations)
