"""What the broker holds of a referral while it works on it: the referral, its needs, their offers.

These are plain records that only the desk changes (`Desk.change`), so that a refused event leaves no half of itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from broker.domain.consent import ConsentRef, ConsentTerms, Revoked, standing
from broker.domain.question import Emergency
from broker.schemas.break_glass_vocabulary import (
    BreakGlassBasis,
    BreakGlassId,
    BreakGlassReason,
    ReviewOutcome,
    SubjectInformed,
)
from broker.schemas.code_list import CodeList
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, IncidentId, OfferId, OrgId, ReferralId
from broker.schemas.necessity import NecessityNote
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.referral_requested import AccessNeeds, NeedSummary, NeedUrgency, WorkerContact
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import (
    Acknowledgment,
    EscalationLevel,
    NeedState,
    OfferState,
    Priority,
    RecipientCategory,
    Service,
    VictimAgreed,
)

OPEN_OFFER_STATES = frozenset({OfferState.MADE, OfferState.RECEIPTED, OfferState.UNDER_REVIEW, OfferState.WAITLISTED})
UNDECIDED_OFFER_STATES = frozenset({OfferState.MADE, OfferState.RECEIPTED, OfferState.UNDER_REVIEW})


class NextAction(CodeList):
    """What will happen to a need at its `due_at` if nobody does anything before."""

    EXPIRE_OFFERS = "EXPIRE_OFFERS"
    EXPIRE_REFERRAL = "EXPIRE_REFERRAL"
    CLIMB_LADDER = "CLIMB_LADDER"
    """Remind somebody, or put it before somebody else (domain.md §10.4)."""
    SEEK_AGAIN = "SEEK_AGAIN"
    CLOSE_UNMET = "CLOSE_UNMET"
    """A human has decided so: it is done at once."""
    CHASE_KEYS = "CHASE_KEYS"
    ASK_FOR_KEYS = "ASK_FOR_KEYS"
    """The key for which the source was to wrap is revoked: it is asked anew at once."""
    CHASE_HANDOFF = "CHASE_HANDOFF"
    """A live transfer was promised: it is to begin, and then to end."""
    CHASE_CONTACT = "CHASE_CONTACT"
    CHASE_OUTCOME = "CHASE_OUTCOME"


class Request(Contract):
    """The clear part of a request: what an offer may be made of."""

    need_summary: NeedSummary
    access_needs: AccessNeeds
    jurisdiction_code: str
    area: str | None = None
    worker_contact: WorkerContact | None = None
    necessity: NecessityNote | None = None
    urgency: tuple[NeedUrgency, ...] | None = None

    def summary_for(self, category: RecipientCategory) -> NeedSummary:
        """The need as this kind of provider is told it: by when, as far as it was said of this kind."""
        for one in self.urgency or ():
            if one.category is category and one.needed_by is not None:
                return self.need_summary.model_copy(update={"needed_by": one.needed_by})
        return self.need_summary


@dataclass(slots=True)
class Offer:
    """One need shown to one provider. Times are UTC."""

    offer_id: OfferId
    referral_id: ReferralId
    category: RecipientCategory
    provider: OrgId
    state: OfferState
    rung: Acknowledgment
    made_at: datetime
    answer_by: datetime
    changed_at: datetime
    reason: str | None = None


@dataclass(slots=True)
class Need:
    """One kind of help that a referral asks for, and where it stands; its deadlines count by its own urgency."""

    referral_id: ReferralId
    category: RecipientCategory
    state: NeedState
    services: tuple[Service, ...]
    changed_at: datetime
    priority: Priority
    expires_at: datetime
    offer_id: OfferId | None = None
    provider: OrgId | None = None
    engaged: bool = False
    released: bool = False
    feedback_consent: ConsentRef | None = None
    due_at: datetime | None = None
    next_action: NextAction | None = None
    owner: OrgId | None = None


class Escalation(NamedTuple):
    """One step of the ladder that was taken; `offer_id` is "-" where it is of the need as a whole."""

    referral_id: ReferralId
    category: RecipientCategory
    offer_id: OfferId
    level: EscalationLevel
    owed: Acknowledgment


class Unmet(NamedTuple):
    """A human's decision that a need stays unmet: why, and in which role."""

    reason: str
    by: str


class HandedOver(NamedTuple):
    """What one recipient received, and when the last of it (UTC); `policy` is None where nobody wrote it down."""

    groups: frozenset[FieldGroup]
    at: datetime
    policy: str | None


@dataclass(slots=True)
class Recall:
    """What one recipient was asked to give up, and its answer. Times are UTC.

    Until it answers, `due_at` is when it is reminded or a human is told; the human has it where there is none. `reason`
    is the source's, where it had made a mistake; there is none where consent was taken back.
    """

    offer_id: OfferId
    referral_id: ReferralId
    groups: frozenset[FieldGroup]
    asked_at: datetime
    due_at: datetime | None
    reminded: bool = False
    outcome: RevocationOutcome | None = None
    reason: RecallReason | None = None


@dataclass(slots=True)
class BreakGlass:
    """One emergency of a referral (domain.md §5), and what has become of it. Times are UTC.

    `due_at` is when something is owed next: its approval, then its review; a human has it where there is none.
    """

    break_glass_id: BreakGlassId
    referral_id: ReferralId
    category: RecipientCategory
    source: OrgId
    recipient: OrgId
    groups: frozenset[FieldGroup]
    reason: BreakGlassReason
    basis: BreakGlassBasis
    invoked_by: str
    narrative_ref: str
    invoked_at: datetime
    expires_at: datetime
    approve_by: datetime
    review_by: datetime
    due_at: datetime | None
    subject_informed: SubjectInformed
    approved_by: str | None = None
    void: bool = False
    """Nobody has approved it in time: it is as if it had never been."""
    overdue: bool = False
    outcome: ReviewOutcome | None = None
    reviewed_by: str | None = None

    def covers(self, recipient: OrgId, at: datetime) -> bool:
        """Whether it opens something to this recipient at `at`."""
        return self.recipient == recipient and not self.void and self.invoked_at <= at < self.expires_at


@dataclass(slots=True)
class Referral:
    """One referral with its needs and offers. `groups` are the field groups that it carries, sealed or clear."""

    referral_id: ReferralId
    source: OrgId
    priority: Priority
    policy: str
    victim_agreed: VictimAgreed
    request_text: str
    groups: frozenset[FieldGroup]
    received_at: datetime
    excluded: frozenset[OrgId] = frozenset()
    incident_id: IncidentId | None = None
    consent: ConsentRef | None = None
    needs: dict[RecipientCategory, Need] = field(default_factory=dict)
    offers: dict[OfferId, Offer] = field(default_factory=dict)
    sealed: dict[FieldGroup, SealedGroup] = field(default_factory=dict)
    wraps: dict[tuple[FieldGroup, OrgId], WrappedKey] = field(default_factory=dict)
    parsed: Request | None = None
    disclosed: dict[OfferId, HandedOver] = field(default_factory=dict)
    """What was handed over for each offer; only where a batch may take it back."""
    recalls: dict[OfferId, Recall] = field(default_factory=dict)
    broken_glass: bool = False
    """Whether the store has emergencies of it; they are read only then."""
    glass: dict[BreakGlassId, BreakGlass] = field(default_factory=dict)
    escalated: dict[Escalation, datetime] = field(default_factory=dict)
    """Steps of the ladder that were taken, with when each was due; only where a clock is about to take others."""
    assigned: frozenset[RecipientCategory] = frozenset()
    """Needs that a human was given: nothing climbs by itself while one has them. Only where a clock asks."""
    unmet: dict[RecipientCategory, Unmet] = field(default_factory=dict)
    """Needs that a human has decided to close; only where a clock is about to."""

    @property
    def request(self) -> Request:
        """The clear part of the request, read from its stored text when it is first asked for."""
        if self.parsed is None:
            self.parsed = Request.model_validate_json(self.request_text)
        return self.parsed

    @property
    def necessity(self) -> NecessityNote | None:
        """What the source has recorded where it could not ask her (D15)."""
        return self.request.necessity if self.victim_agreed is VictimAgreed.NOT_ASKED_UNSAFE else None

    def emergency(self, category: RecipientCategory, recipient: OrgId, at: datetime) -> Emergency | None:
        """The glass that is broken for this recipient and this kind of help at `at` (UTC), if any."""
        for one in self.glass.values():
            if one.category is category and one.covers(recipient, at):
                return Emergency(one.break_glass_id, one.groups)
        return None

    def offers_for(self, category: RecipientCategory) -> list[Offer]:
        """The offers of one need, oldest first."""
        return [offer for offer in self.offers.values() if offer.category is category]


@dataclass(slots=True)
class Incident:
    """What ties referrals together: the least urgency its risk screens demand, and whether someone is hurt."""

    incident_id: IncidentId
    source: OrgId
    reported: bool = False
    floor: Priority | None = None
    medical_need: bool = False


class Use(NamedTuple):
    """One disclosure under a release: to whom, for which need."""

    referral_id: ReferralId
    category: RecipientCategory
    recipient: OrgId


@dataclass(frozen=True, slots=True)
class ConsentVersion:
    """The newest version of a consent that the registry holds, with the revocations that cover it or later ones.

    Without a record it is only these: version 0, revoked before any version came.
    """

    consent_id: ConsentId
    version: int
    discloser: OrgId
    status: str
    record: ConsentRecord | None
    terms: ConsentTerms | None
    text: str = "{}"
    """The record as the registry keeps it."""
    revocations: tuple[Revoked, ...] = ()


def excluded_fields(record: ConsentRecord) -> frozenset[str]:
    """What a version keeps out of every group, as it says so."""
    return frozenset(record.data_scope.excluded_fields)


def as_it_stands(
    record: ConsentRecord, text: str, discloser: OrgId, status: str, revocations: Iterable[Revoked]
) -> ConsentVersion:
    """A version, kept as `text`, under the revocations that cover it; those of earlier versions say nothing of it."""
    cover = tuple(revoked for revoked in revocations if revoked.version >= record.version)
    terms = standing(record, status, cover)
    return ConsentVersion(record.consent_id, record.version, discloser, terms.status, record, terms, text, cover)
