"""A request for help leaves with what identifies the survivor sealed, and only for whom the rules and she allow.

Content keys are kept before anything leaves: a provider that is chosen later is let in by them (design.md §3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Required, TypedDict

from broker.agency.consents import ConsentLike, KnownConsents, ref_of
from broker.agency.contents import GroupContent, group_texts
from broker.agency.keeping import KeptReferral, KeyKeeper
from broker.agency.planning import Known, Plan, Share, Withheld, plan
from broker.agency.publishing import About, Published, Publishing
from broker.agency.sealing import seal, wrap
from broker.domain.consent import ConsentRef
from broker.domain.needs import services_by_category
from broker.schemas.clear_groups import AccessNeeds, NeedSummary, WorkerContact
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import EventId, IncidentId, OrgId, ReferralId, new_referral_id
from broker.schemas.necessity import NecessityNote
from broker.schemas.referral_requested import NeedUrgency
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import Priority, Service, VictimAgreed
from broker.seal.sealing import ContentKey

WRAPS_MAX: Final = 64
"""Wrapped keys in one `referral.sealed`."""


class RequestFields(TypedDict, total=False):
    """The properties of `referral.requested` that its publisher fills in; codes also as plain text."""

    priority: Required[Priority | str]
    services: Required[Sequence[Service | str]]
    need_summary: Required[NeedSummary | Mapping[str, Any]]
    access_needs: Required[AccessNeeds | Mapping[str, Any]]
    jurisdiction_code: Required[str]
    victim_agreed: Required[VictimAgreed | str]
    agreed_at: datetime
    necessity: NecessityNote | Mapping[str, Any]
    area: str
    worker_contact: WorkerContact | Mapping[str, Any]
    incident_id: IncidentId
    medical_facility_need: bool
    urgency: Sequence[NeedUrgency | Mapping[str, Any]]
    excluded_recipients: Sequence[OrgId]


@dataclass(frozen=True, slots=True)
class ReferralPublished:
    """A referral that Kafka holds. `sealed` is empty where no key was wrapped: that follows when somebody is chosen.

    `shares` say for each recipient which groups are sealed to it and why the others are not; `left_out` are groups
    that did not leave at all, because no provider asked could ever have them.
    """

    referral_id: ReferralId
    requested: Published
    sealed: Sequence[Published]
    shares: Sequence[Share]
    left_out: Withheld


class Referring:
    """Requests help and lets providers in, for one agency."""

    def __init__(self, publishing: Publishing, consents: KnownConsents, keeper: KeyKeeper) -> None:
        """`keeper` keeps the content keys."""
        self._publishing = publishing
        self._consents = consents
        self._keeper = keeper

    def plan(
        self,
        fields: Mapping[str, Any],
        groups: Mapping[str, GroupContent],
        seal_to: Sequence[OrgId] | None,
        consent: ConsentLike,
    ) -> Plan:
        """What would leave and for whom; nothing is sealed, kept or sent.

        Raises:
            EventRefusedBeforeSending: the request or a group is not as its schema wants it.
            RecipientUnknown: an organisation of `seal_to` is not in the directory.
        """
        known = self._known(ref_of(consent))
        return plan(fields, group_texts(groups, known.now), seal_to, known)

    async def request(
        self,
        planned: Plan,
        consent: ConsentRef | None,
        referral_id: ReferralId | None,
        expires_at: datetime | None,
        event_id: EventId | None = None,
    ) -> ReferralPublished:
        """Seal, keep, publish; first the request, then the wrapped keys."""
        referral_id = referral_id or new_referral_id()
        sealed, keys = seal(referral_id, planned.texts)
        request = planned.request.model_copy(update={"sealed": sealed})
        wraps = self._wraps_of(referral_id, sealed, keys, planned.shares)
        publishing = self._publishing
        first = publishing.remember(publishing.drafted(request, About(referral_id, consent, expires_at, event_id)))
        later = remember_wraps(publishing, referral_id, wraps, consent, after=first)
        needs = frozenset(services_by_category(request))
        releases, revocations = self._consents.releases_for(consent), self._consents.revocations_for(consent)
        kept = KeptReferral(referral_id, request, consent, keys, needs, datetime.now(UTC), releases, revocations)
        await self._keep(kept)
        published = await publishing.send(first)
        return ReferralPublished(
            referral_id,
            published,
            [await publishing.send(event_id) for event_id in later],
            planned.shares,
            planned.left_out,
        )

    def _known(self, consent: ConsentRef | None) -> Known:
        return Known(self._publishing.desk.zone, consent, self._consents.terms_for(consent), datetime.now(UTC))

    def _wraps_of(
        self,
        referral_id: ReferralId,
        sealed: Sequence[SealedGroup],
        keys: Mapping[FieldGroup, ContentKey],
        shares: Sequence[Share],
    ) -> list[WrappedKey]:
        now = datetime.now(UTC)
        wraps: list[WrappedKey] = []
        for share in shares:
            entry = self._publishing.desk.zone.directory.entry(share.recipient)
            wraps += wrap(referral_id, sealed, keys, entry, share.groups, now)
        return wraps

    async def _keep(self, kept: KeptReferral) -> None:
        """What must be kept is there before the request leaves."""
        async with self._keeper.alone():
            await self._keeper.forget_ended(kept.kept_at)
            if kept.content_keys:
                await self._keeper.keep(kept)


def remember_wraps(
    publishing: Publishing,
    referral_id: ReferralId,
    wraps: Sequence[WrappedKey],
    consent: ConsentRef | None,
    after: EventId | None = None,
) -> list[EventId]:
    """As many events as the wraps need, each to follow the one before."""
    made: list[EventId] = []
    for start in range(0, len(wraps), WRAPS_MAX):
        fact = ReferralSealed(wraps=tuple(wraps[start : start + WRAPS_MAX]))
        record = publishing.drafted(fact, About(referral_id, consent))
        after = publishing.remember(record, after=after)
        made.append(after)
    return made
