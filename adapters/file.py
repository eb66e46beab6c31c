"""A provider's file in memory: what a batch found, and what it changed, to be written in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from adapters.standing import OVER, Standing
from adapters.ways import KeptChannel
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.vocabulary import MsgStatus


@dataclass(slots=True)
class OfferOnFile:
    """One offer to one organisation, as it stands here."""

    org_id: OrgId
    offer_id: OfferId
    referral_id: ReferralId
    standing: Standing
    received_at: datetime
    changed_at: datetime
    category: str | None = None
    priority: str | None = None
    answer_by: datetime | None = None
    content: str | None = None
    refusal: str | None = None
    reminded_at: datetime | None = None


@dataclass(slots=True)
class AnswerOnFile:
    """One answer that was given before, as far as a refusal of it matters."""

    org_id: OrgId
    event_id: EventId
    offer_id: OfferId | None
    before: Standing | None
    after: Standing | None
    refusal: str | None = None
    refused_field: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event of ours, ready for the outbox; `before` and `after` say what it did to its offer."""

    envelope: Envelope
    fact: EventData
    offer_id: OfferId | None = None
    before: Standing | None = None
    after: Standing | None = None


OfferKey = tuple[OrgId, OfferId]


@dataclass(frozen=True, slots=True)
class RecallOnFile:
    """Field groups that were taken back from one offer; without an outcome a person has still to say what became.

    `reason` is what the source had got wrong; there is none where a survivor took consent back.
    """

    groups: frozenset[str]
    answer_by: datetime
    outcome: RevocationOutcome | None = None
    reason: RecallReason | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """One message that goes on its way with this transaction; where and until when is the courier's."""

    envelope: Envelope
    """As the broker sent it."""
    org_id: OrgId
    offer_id: OfferId
    referral_id: ReferralId
    priority: str | None
    fact: str | None
    """The event itself where it is codes alone (tier 1); None for offers and releases."""
    place: int
    divert_at: datetime | None
    stop_at: datetime
    receipt_due: bool


@dataclass(slots=True)
class File:
    """What a batch found and what it changed."""

    now: datetime
    environment: MsgStatus
    draw: Callable[[], EventId]
    offers: dict[OfferKey, OfferOnFile] = field(default_factory=dict)
    answers: dict[tuple[OrgId, EventId], AnswerOnFile] = field(default_factory=dict)
    known: set[tuple[OrgId, EventId]] = field(default_factory=set)
    changed: dict[OfferKey, OfferOnFile] = field(default_factory=dict)
    refused: dict[tuple[OrgId, EventId], AnswerOnFile] = field(default_factory=dict)
    receipts: list[Prepared] = field(default_factory=list)
    released: list[tuple[OfferKey, EventId, DisclosureReleased]] = field(default_factory=list)
    """By offer and by the event that brought it, to which its keys are tied."""
    keyed: list[tuple[OfferKey, DisclosureKeyed]] = field(default_factory=list)
    destroyed: set[OfferKey] = field(default_factory=set)
    looked_at: dict[OfferKey, frozenset[str]] = field(default_factory=dict)
    """Which groups somebody has opened; only of offers from which something is taken back."""
    recalls: dict[OfferKey, RecallOnFile] = field(default_factory=dict)
    taken_back: set[OfferKey] = field(default_factory=set)
    channels: dict[OrgId, tuple[KeptChannel, ...]] = field(default_factory=dict)
    """How those of the batch's organisations are reached that have channels, in turn."""
    reached: set[OfferKey] = field(default_factory=set)
    """Offers of which something may have arrived outside, so that their end must be told there too."""
    unseen: set[OfferKey] = field(default_factory=set)
    """Of those that were reminded of, the offers that a notice alone has told of so far: nobody has looked."""
    queued: list[Queued] = field(default_factory=list)

    def stand(self, offer: OfferOnFile, standing: Standing) -> None:
        """Move an offer; once the broker has ended it, the means to open what came with it are destroyed."""
        offer.standing, offer.changed_at = standing, self.now
        key = (offer.org_id, offer.offer_id)
        self.offers[key] = self.changed[key] = offer
        if standing in OVER:
            self.destroyed.add(key)
            self.released = [one for one in self.released if one[0] != key]
            self.keyed = [one for one in self.keyed if one[0] != key]
        if standing in (Standing.WITHDRAWN, Standing.EXPIRED):
            offer.content = None
