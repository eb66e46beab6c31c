"""The releases that this client has published or was shown, so that it seals to nobody whom they do not name.

The broker's registry is the authority (domain.md §4.5). What is not known here is not relied on here.
"""

from collections.abc import Container

from broker.agency.errors import EventRefusedBeforeSending
from broker.domain.consent import ConsentRef, ConsentTerms, Revoked, standing, understood
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.ids import ConsentId
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import RevocationScope

ConsentLike = ConsentRecord | ConsentRef | None
"""The consent that an event rests on: its record, or its id and version."""


def ref_of(consent: ConsentLike) -> ConsentRef | None:
    """Id and version of a consent."""
    if isinstance(consent, ConsentRecord):
        return ConsentRef(consent.consent_id, consent.version)
    return consent


class KnownConsents:
    """The newest version of each record that is known, and the revocations of each, as the broker keeps them."""

    def __init__(self) -> None:
        """None is known yet."""
        self._held: dict[ConsentId, ConsentRecord] = {}
        self._revoked: dict[ConsentId, tuple[Revoked, ...]] = {}

    def note(self, record: ConsentRecord) -> None:
        """Know a record from now on; an older version of a known one changes nothing."""
        known = self._held.get(record.consent_id)
        if known is None or known.version < record.version:
            self._held[record.consent_id] = record

    def revoke(self, consent_id: ConsentId, revoked: ConsentRevoked) -> None:
        """Know a revocation from now on: it covers every version up to the one it names (domain.md §4.4)."""
        known = self._held.get(consent_id)
        covers = revoked.version if known is None else max(revoked.version, known.version)
        self.learn_revoked(consent_id, Revoked(covers, revoked.scope.value, revoked.scope_values))

    def check_named(self, consent_id: ConsentId, revoked: ConsentRevoked, network: Container[str]) -> None:
        """Refuse a revocation of organisations that neither the record, as far as it is known, nor `network` names.

        Raises:
            EventRefusedBeforeSending: PROPERTY_INVALID; a slip of the pen would take the whole of the record back.
        """
        if revoked.scope is not RevocationScope.RECIPIENT:
            return
        asked = Revoked(revoked.version, revoked.scope.value, revoked.scope_values)
        if understood(asked, self._held.get(consent_id), network) != asked:
            raise EventRefusedBeforeSending(RefusalCode.PROPERTY_INVALID, "scopeValues")

    def learn_revoked(self, consent_id: ConsentId, revoked: Revoked) -> None:
        """Know a revocation as it was kept; once is enough."""
        before = self._revoked.get(consent_id, ())
        if revoked not in before:
            self._revoked[consent_id] = (*before, revoked)

    def revocations_for(self, ref: ConsentRef | None) -> tuple[tuple[ConsentId, Revoked], ...]:
        """The revocations of a record, known or not, and of those that are weighed together with it."""
        if ref is None:
            return ()
        ids = {ref.consent_id, *(record.consent_id for record in self.releases_for(ref))}
        return tuple((one, revoked) for one in sorted(ids) for revoked in self._revoked.get(one, ()))

    def taken_back(self, ref: ConsentRef) -> bool:
        """Whether this version is known to be revoked as a whole, its record known or not."""
        said = self._revoked.get(ref.consent_id, ())
        return any(one.version >= ref.version and one.scope == RevocationScope.ALL for one in said)

    def knows(self, ref: ConsentRef) -> bool:
        """Whether this version, or a later one, is known."""
        known = self._held.get(ref.consent_id)
        return known is not None and known.version >= ref.version

    def releases_for(self, ref: ConsentRef | None) -> tuple[ConsentRecord, ...]:
        """A record and every other known one of the same survivor and discloser."""
        named = self._held.get(ref.consent_id) if ref is not None else None
        if named is None:
            return ()
        return tuple(record for record in self._held.values() if whose(record) == whose(named))

    def terms_for(self, ref: ConsentRef | None) -> tuple[ConsentTerms, ...]:
        """The terms of a record and of every other known one of the same survivor and discloser."""
        return tuple(
            standing(record, record.status, self._revoked.get(record.consent_id, ()))
            for record in self.releases_for(ref)
        )


def whose(record: ConsentRecord) -> tuple[str, str]:
    """Whose release it is, and who may disclose by it: records that agree in both are weighed together."""
    return (record.subject.subject_ref, record.discloser.org_id)
