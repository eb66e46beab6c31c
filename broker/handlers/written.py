"""What a batch adds to the store: messages that the gate let out, entries of the trail, work, what was disclosed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from broker.domain.consent import ConsentRef
from broker.domain.matching import Capacity
from broker.handlers.cases import ConsentVersion, Escalation, Use
from broker.handlers.gate import Permit
from broker.schemas.envelope import Envelope, binary_headers, record_digest
from broker.schemas.event import Flow
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, OfferId, OrgId, ReferralId
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import RecipientCategory, Service
from broker.trail.entries import Entry, Step, entry


class Outgoing(NamedTuple):
    """A message that the gate let out: it exists only with the permit that it was given."""

    flow: Flow
    recipient: OrgId
    envelope: Envelope
    attributes: dict[str, str]
    value: bytes
    referral_id: ReferralId | None
    category: RecipientCategory | None
    permit: Permit


@dataclass(frozen=True, slots=True)
class Work:
    """Something that only a human can take further."""

    referral_id: ReferralId
    category: RecipientCategory
    reason: str
    owner: OrgId
    priority: str


class Disclosed(NamedTuple):
    """One field group that was handed over: for which offer, to whom, on which consent and policy, for which key."""

    offer_id: OfferId
    group: FieldGroup
    referral_id: ReferralId
    recipient: OrgId
    consent: ConsentRef | None
    policy: str
    key_id: KeyId


@dataclass(slots=True)
class Written:
    """What a batch adds to the store. Lists only grow, so going back is cutting them."""

    outbox: list[Outgoing] = field(default_factory=list)
    trail: list[Entry] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)
    capacity: list[tuple[OrgId, Service, str, Capacity]] = field(default_factory=list)
    consents: list[ConsentVersion] = field(default_factory=list)
    sealed: list[tuple[ReferralId, SealedGroup | WrappedKey]] = field(default_factory=list)
    stopped: list[tuple[ReferralId, RecipientCategory | None]] = field(default_factory=list)
    uses: list[tuple[ConsentRef, Use]] = field(default_factory=list)
    disclosed: list[Disclosed] = field(default_factory=list)
    settled: list[tuple[ReferralId, RecipientCategory, str]] = field(default_factory=list)
    """Work that nobody needs to do any more."""
    escalations: list[tuple[Escalation, datetime]] = field(default_factory=list)
    """Steps of the ladder, with when each was due."""

    def lengths(self) -> tuple[int, ...]:
        """How long each list is, to come back to."""
        return tuple(map(len, _lists_of(self)))

    def cut(self, lengths: tuple[int, ...]) -> None:
        """Forget what came after these lengths."""
        for grown, length in zip(_lists_of(self), lengths, strict=True):
            del grown[length:]


_lists_of = attrgetter(*Written.__slots__)


def content_of(message: Outgoing, discloser: OrgId, groups: Iterable[FieldGroup], salt: bytes) -> Entry:
    """The entry of what exactly leaves: only its two agencies are shown the text, and the step's own entry names it."""
    facts = {
        "message": message.envelope.id,
        "type": message.envelope.type,
        "from": discloser,
        "to": message.recipient,
        "groups": sorted(groups),
        "sha256": record_digest(binary_headers(message.attributes), message.value).hex(),
    }
    return entry(Step.CONTENT, message.referral_id, facts, salt)
