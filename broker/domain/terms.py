"""A consent record as the decision reads it: one version, its names, scopes and times, in sets and bits.

The registry is the authority (domain.md §4.5). Of several versions of one record only the newest counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from broker.domain import group_sets
from broker.domain.obligations import Obligations
from broker.schemas.consent_record import ConsentRecord, NamedRecipient, RecipientOfKind
from broker.schemas.consent_vocabulary import ConsentDecision, GrantForm
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.vocabulary import Purpose, RecipientCategory


class ConsentRef(NamedTuple):
    """One version of one consent record."""

    consent_id: ConsentId
    version: int


class RecipientKindTerms(NamedTuple):
    """A kind of recipient that a release names instead of an organisation."""

    category: RecipientCategory
    service_area: str
    max_concurrent_offers: int


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What a record permits or forbids. `scope` and `scope_in_tier` are bits; times are UTC.

    `uses_left` and `ended` are not in the record: the registry counts uses (`maxUses`) and knows whether the event that
    ends the release (`endsOnEvent`) has come to pass; `used` sets them.
    """

    ref: ConsentRef
    status: str
    permits: bool
    discloser: OrgId
    recipients: frozenset[OrgId]
    kinds: tuple[RecipientKindTerms, ...]
    excluded: frozenset[OrgId]
    purposes: frozenset[Purpose]
    regimes: frozenset[str]
    scope: int
    scope_in_tier: int
    not_before: datetime
    not_after: datetime
    ends_on_event: str | None
    max_uses: int | None
    oral: bool
    obligations: Obligations
    uses_left: bool = True
    ended: bool = False

    def used(self, uses: int, *, ended: bool = False) -> "ConsentTerms":
        """These terms after so many uses; `ended` once the event has come to pass that ends the release."""
        return replace(self, uses_left=self.max_uses is None or uses < self.max_uses, ended=ended)


def terms(record: ConsentRecord, *, status: str | None = None) -> ConsentTerms:
    """The terms of a record, compiled once when it is taken in or loaded.

    `status` is what has become of the version since, where that is not what the record says of itself.
    """
    permits = record.decision is ConsentDecision.PERMIT
    scope = (group_sets.mask if permits else group_sets.forbidden)(record.data_scope.field_groups)
    return ConsentTerms(
        ref=ConsentRef(record.consent_id, record.version),
        status=status or str(record.status),
        permits=permits,
        discloser=record.discloser.org_id,
        recipients=frozenset(to.org_id for to in record.recipients if isinstance(to, NamedRecipient)),
        kinds=tuple(
            RecipientKindTerms(RecipientCategory(to.category), to.service_area, to.max_concurrent_offers)
            for to in record.recipients
            if isinstance(to, RecipientOfKind)
        ),
        excluded=frozenset(record.excluded_recipients),
        purposes=frozenset(record.purposes),
        regimes=frozenset(str(regime) for regime in record.regimes),
        scope=scope,
        scope_in_tier=scope & group_sets.UP_TO_TIER[record.data_scope.max_tier],
        not_before=record.validity.not_before.astimezone(UTC),
        not_after=record.validity.not_after.astimezone(UTC),
        ends_on_event=record.validity.ends_on_event,
        max_uses=record.validity.max_uses,
        oral=any(grantor.form is GrantForm.ORAL_TEMPORARY for grantor in record.grantors),
        obligations=Obligations(
            redisclosure_prohibited=record.redisclosure.prohibited,
            notice_code=str(record.redisclosure.notice),
            excluded_fields=tuple(record.data_scope.excluded_fields),
        ),
    )


def newest(consents: Sequence[ConsentTerms]) -> Sequence[ConsentTerms]:
    """The newest version of each record: an older one says nothing any more."""
    if len(consents) < 2 or len({version.ref.consent_id for version in consents}) == len(consents):
        return consents
    latest: dict[ConsentId, ConsentTerms] = {}
    for version in consents:
        known = latest.get(version.ref.consent_id)
        if known is None or known.ref.version < version.ref.version:
            latest[version.ref.consent_id] = version
    return tuple(latest.values())
