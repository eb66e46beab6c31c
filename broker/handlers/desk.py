"""The desk on which one batch is worked: what was read from the store lies here, and what is to be written.

Handlers take from the desk and put on it; they neither read the store, nor commit, nor send. Every change goes
through `change` or `put`, which keep the way back, so that an event that is refused half-way leaves nothing behind.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from broker.domain import lifecycle
from broker.domain.consent import ConsentRef, ConsentTerms
from broker.domain.matching import Capacity
from broker.domain.policy import PolicyPack
from broker.handlers.cases import (
    BreakGlass,
    ConsentVersion,
    Incident,
    Need,
    NextAction,
    Offer,
    Recall,
    Referral,
    Use,
    excluded_fields,
)
from broker.handlers.directory import Directory
from broker.handlers.gate import DisclosureNotEnteredError, Permit
from broker.handlers.written import Outgoing, Work, Written, content_of
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, EventId, IncidentId, OfferId, OrgId, ReferralId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import Acknowledgment, MsgStatus, NeedState, OfferState, RecipientCategory, Service
from broker.trail.entries import Entry, Step, entry

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Draw:
    """Where fresh randomness comes from: the handlers have none of their own."""

    event_id: Callable[[], EventId]
    offer_id: Callable[[], OfferId]
    salt: Callable[[], bytes]


_ABSENT = object()


def _go_back(holder: Any, key: Any, before: Any) -> None:
    """Undo one change: of a field where the holder is a record, of a key where it is a mapping."""
    if not isinstance(holder, dict):
        setattr(holder, key, before)
    elif before is _ABSENT:
        del holder[key]
    else:
        holder[key] = before


class Desk:
    """One batch's working state. `now` is the database's clock, UTC."""

    def __init__(
        self,
        now: datetime,
        packs: Mapping[str, PolicyPack],
        directory: Directory,
        draw: Draw,
        broker_org: OrgId,
        environment: MsgStatus = MsgStatus.ACTUAL,
    ) -> None:
        self.now = now
        self.packs = packs
        self.pack = packs[directory.policy]
        self.directory = directory
        self.draw = draw
        self.broker_org = broker_org
        self.environment = environment
        self.referrals: dict[ReferralId, Referral] = {}
        self.incidents: dict[IncidentId, Incident] = {}
        self.consents: dict[ConsentId, ConsentVersion] = {}
        self.excluded_before: dict[ConsentRef, frozenset[str]] = {}
        """The fields that versions exclude which are not the newest: referrals may have been sealed under them."""
        self.same_survivor: dict[ConsentId, tuple[ConsentId, ...]] = {}
        self.uses: dict[ConsentRef, frozenset[Use]] = {}
        self.needs_under: dict[ConsentId, dict[tuple[ReferralId, RecipientCategory], NeedState]] = {}
        self.capacity: dict[tuple[OrgId, Service], Capacity] = {}
        self.recent_offers: dict[OrgId, int] = {}
        self.written = Written()
        self.touched_referrals: dict[ReferralId, Referral] = {}
        self.touched_needs: dict[tuple[ReferralId, RecipientCategory], Need] = {}
        self.touched_offers: dict[OfferId, Offer] = {}
        self.touched_incidents: dict[IncidentId, Incident] = {}
        self.touched_recalls: dict[OfferId, Recall] = {}
        self.touched_glass: dict[BreakGlassId, BreakGlass] = {}
        self.reviews_overdue: set[OrgId] = set()
        self.new_referrals: dict[ReferralId, Referral] = {}
        self.new_needs: dict[tuple[ReferralId, RecipientCategory], Need] = {}
        self.new_offers: dict[OfferId, Offer] = {}
        self._by_consent: dict[ConsentId, tuple[ReferralId, ...]] = {}
        self._by_incident: dict[IncidentId, tuple[ReferralId, ...]] = {}
        self._undo: list[tuple[Any, Any, Any]] = []
        self._lengths = self.written.lengths()
        self._cause: EventId | None = None
        self._actor: OrgId = broker_org
        self._contents: list[Entry] = []

    # --- changing what lies here ---------------------------------------------------------------------------------

    def event(self, cause: EventId | None, actor: OrgId) -> "Desk":
        """Work one event, as `with desk.event(...)`: if it is refused, or fails, the desk is as it was before."""
        self._undo.clear()
        self._contents.clear()
        self._cause, self._actor = cause, actor
        self._lengths = self.written.lengths()
        return self

    def __enter__(self) -> None:
        """See `event`."""

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        forgotten = kind is None and bool(self._contents)
        if kind is not None or forgotten:
            self.written.cut(self._lengths)
            while self._undo:
                _go_back(*self._undo.pop())
        if forgotten:
            raise DisclosureNotEnteredError

    def change(self, record: Any, **values: Any) -> None:
        """Set fields of a referral, need, offer or incident, keeping the way back."""
        for name, value in values.items():
            self._undo.append((record, name, getattr(record, name)))
            setattr(record, name, value)
        self._touch(record)

    def put(self, mapping: MutableMapping[Key, Value], key: Key, value: Value) -> None:
        """Put something under a key, keeping the way back."""
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def lay(self, referral: Referral) -> None:
        """Put a stored referral on the desk."""
        self.put(self.referrals, referral.referral_id, referral)
        if referral.consent is not None:
            known = self._by_consent.get(referral.consent.consent_id, ())
            self.put(self._by_consent, referral.consent.consent_id, (*known, referral.referral_id))
        if referral.incident_id is not None:
            tied = self._by_incident.get(referral.incident_id, ())
            self.put(self._by_incident, referral.incident_id, (*tied, referral.referral_id))

    def add_referral(self, referral: Referral) -> None:
        """A new referral with its needs."""
        self.lay(referral)
        self.put(self.new_referrals, referral.referral_id, referral)
        for need in referral.needs.values():
            self.put(self.new_needs, (need.referral_id, need.category), need)

    def add_need(self, referral: Referral, need: Need) -> None:
        """A further need of a referral."""
        self.put(referral.needs, need.category, need)
        self.put(self.new_needs, (need.referral_id, need.category), need)

    def add_offer(self, referral: Referral, offer: Offer) -> None:
        """A new offer of a need."""
        self.put(referral.offers, offer.offer_id, offer)
        self.put(self.new_offers, offer.offer_id, offer)

    def add_recall(self, referral: Referral, recall: Recall) -> None:
        """What a recipient is asked to give up; a further part of the same release joins what it was asked before."""
        self.put(referral.recalls, recall.offer_id, recall)
        self.put(self.touched_recalls, recall.offer_id, recall)

    def add_glass(self, referral: Referral, glass: BreakGlass) -> None:
        """A new emergency of a referral."""
        self.put(referral.glass, glass.break_glass_id, glass)
        self.put(self.touched_glass, glass.break_glass_id, glass)
        if not referral.broken_glass:
            self.change(referral, broken_glass=True)

    def _touch(self, record: Referral | Need | Offer | Incident | Recall | BreakGlass) -> None:
        """Remember what has to be written again; what is new in this batch is written once, as it ends up."""
        if isinstance(record, Need):
            self._mark(self.touched_needs, self.new_needs, (record.referral_id, record.category), record)
        elif isinstance(record, Offer):
            self._mark(self.touched_offers, self.new_offers, record.offer_id, record)
        elif isinstance(record, Referral):
            self._mark(self.touched_referrals, self.new_referrals, record.referral_id, record)
        elif isinstance(record, Recall):
            self._mark(self.touched_recalls, {}, record.offer_id, record)
        elif isinstance(record, BreakGlass):
            self._mark(self.touched_glass, {}, record.break_glass_id, record)
        else:
            self._mark(self.touched_incidents, {}, record.incident_id, record)

    def _mark(self, touched: dict[Key, Value], new: Mapping[Key, Value], key: Key, record: Value) -> None:
        if key not in touched and key not in new:
            self.put(touched, key, record)

    # --- the steps every story is made of ------------------------------------------------------------------------

    def move_need(self, need: Need, *states: NeedState, **facts: Any) -> None:
        """Take a need through these states, each step checked against the table; the way is one entry.

        Raises:
            Refused: TRANSITION_IMPOSSIBLE where the table has no such step.
        """
        path = [need.state]
        for state in states:
            if not lifecycle.allows(lifecycle.NEED, path[-1], state):
                raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE)
            path.append(state)
        self.record(Step.NEED_MOVED, need.referral_id, {"need": need.category, "way": path, **facts})
        self.change(need, state=path[-1], changed_at=self.now)

    @staticmethod
    def can_move(need: Need, state: NeedState) -> bool:
        """Whether the table has this step."""
        return lifecycle.allows(lifecycle.NEED, need.state, state)

    def move_offer(self, offer: Offer, state: OfferState, rung: Acknowledgment | None = None, **facts: Any) -> None:
        """Take an offer to a state, checked against the table; the acknowledgment only ever rises."""
        if not lifecycle.allows(lifecycle.OFFER, offer.state, state):
            raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE)
        self.record(
            Step.OFFER_MOVED,
            offer.referral_id,
            {
                "offer": offer.offer_id,
                "provider": offer.provider,
                "from": offer.state,
                "to": state,
                **facts,
            },
        )
        raised = rung if rung is not None and rung > offer.rung else offer.rung
        self.change(offer, state=state, rung=raised, changed_at=self.now)

    def schedule(self, need: Need, action: NextAction | None, due_at: datetime | None, owner: OrgId | None) -> None:
        """What happens next to a need, when, and who answers for it until then."""
        self.change(need, next_action=action, due_at=due_at, owner=owner)

    def record(self, step: Step, referral_id: ReferralId | None, facts: Mapping[str, object]) -> None:
        """One entry of the trail: who acts, because of which event, and what was disclosed just now are added here."""
        told: dict[str, object] = {"at": self.now, "actor": self._actor, "cause": self._cause, **facts}
        if self._contents:
            told["content"] = [b64encode(content.commitment).decode() for content in self._contents]
        # The step stands before what it names, so that a log that ends between them is read without a doubt; and the
        # names stand last in it, where the verifier looks for them (docs/trail.md, Formats).
        self.written.trail += (entry(step, referral_id, told, self.draw.salt()), *self._contents)
        self._contents.clear()

    def send(
        self,
        flow: Flow,
        recipient: OrgId,
        subject: str,
        event: EventData,
        permit: Permit,
        *,
        referral_id: ReferralId | None = None,
        category: RecipientCategory | None = None,
        offer_id: OfferId | None = None,
        expires_at: datetime | None = None,
        groups: Iterable[FieldGroup] | None = None,
        discloser: OrgId | None = None,
    ) -> EventId:
        """Put a message out; returns its id. The gate's permit must be for this very recipient and type.

        Where it discloses something, the next `record` is its entry. `groups` are those that are in it, by default all
        of the permit; `discloser` is whose they are, by default the referral's source.
        """
        permit.check(event.TYPE, recipient)
        envelope = Envelope(
            id=self.draw.event_id(),
            org=self.broker_org,
            type=event.TYPE,
            subject=subject,
            time=self.now,
            msgstatus=self.environment,
            causationid=self._cause,
            offerid=offer_id,
            expirytime=expires_at,
        )
        message = Outgoing(
            flow, recipient, envelope, envelope.attributes(), event.wire(), referral_id, category, permit
        )
        self.written.outbox.append(message)
        if referral_id is not None and permit.discloses(event.TYPE):
            told_of = self.referrals[referral_id].source if discloser is None else discloser
            shared = permit.groups if groups is None else groups
            self._contents.append(content_of(message, told_of, shared, self.draw.salt()))
        return envelope.id

    def raise_work(self, need: Need, reason: str) -> None:
        """Put a need before a human, with a named owner."""
        self.written.work.append(Work(need.referral_id, need.category, reason, self.broker_org, need.priority))
        self.record(
            Step.WORK_RAISED,
            need.referral_id,
            {"need": need.category, "reason": reason, "owner": self.broker_org},
        )

    # --- finding things ------------------------------------------------------------------------------------------

    def referral_of(self, referral_id: str, source: OrgId) -> Referral:
        """The source's own referral. A foreign one is answered like one that does not exist."""
        referral = self.referrals.get(ReferralId(referral_id))
        if referral is None or referral.source != source:
            raise Refused(RefusalCode.REFERRAL_UNKNOWN, "subject")
        return referral

    def offer_to(self, referral_id: str, offer_id: OfferId, provider: OrgId) -> tuple[Referral, Need, Offer]:
        """The provider's own offer with its referral and need. A foreign one is answered like one that is not there."""
        referral = self.referrals.get(ReferralId(referral_id))
        offer = referral.offers.get(offer_id) if referral is not None else None
        if referral is None or offer is None or offer.provider != provider:
            raise Refused(RefusalCode.OFFER_UNKNOWN, "offerId")
        return referral, referral.needs[offer.category], offer

    def under_consent(self, consent_id: ConsentId) -> list[Referral]:
        """The referrals on which a consent bears: that name it, or that name another one of the same survivor."""
        named = (consent_id, *self.same_survivor.get(consent_id, ()))
        return [self.referrals[found] for name in named for found in self._by_consent.get(name, ())]

    def of_incident(self, incident: Incident) -> list[Referral]:
        """The referrals that an incident ties together, of its own source only."""
        found = (self.referrals[name] for name in self._by_incident.get(incident.incident_id, ()))
        return [referral for referral in found if referral.source == incident.source]

    def pack_of(self, referral: Referral) -> PolicyPack:
        """The policy that is frozen on the referral: the one in force when it came or was last reconsidered."""
        return self.packs[referral.policy]

    def consents_for(self, referral: Referral) -> tuple[ConsentTerms, ...]:
        """Every consent version in force that concerns this referral's survivor, as the registry has it now."""
        if referral.consent is None:
            return ()
        named = referral.consent.consent_id
        versions = (self.consents.get(key) for key in (named, *self.same_survivor.get(named, ())))
        return tuple(version.terms for version in versions if version is not None and version.terms is not None)

    def sealed_without(self, referral: Referral) -> frozenset[str]:
        """The fields that the version excluded under which this referral was sealed: the one that it names."""
        ref = referral.consent
        held = None if ref is None else self.consents.get(ref.consent_id)
        if ref is not None and held is not None and held.version == ref.version and held.record is not None:
            return excluded_fields(held.record)
        return frozenset() if ref is None else self.excluded_before.get(ref, frozenset())

    def feedback_terms(self, ref: ConsentRef | None) -> tuple[ConsentTerms, ...]:
        """The release by which a provider may tell the source more, as the registry has it now."""
        held = self.consents.get(ref.consent_id) if ref is not None else None
        return () if held is None or held.terms is None else (held.terms,)
