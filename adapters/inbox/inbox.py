"""Everything that one provider's people can do, on the command line and later on pages: see, answer, open.

An `Inbox` belongs to one organisation; there is no call that names another.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.errors import AnswerNotPossible, ContactOver, NothingToOpen
from adapters.inbox.answering import Answered, Answering, Release
from adapters.inbox.capacity import Told, told
from adapters.inbox.contact import check_attempt
from adapters.inbox.listing import AsideSeen, Listing, OfferSeen
from adapters.inbox.opening import OpenedGroup, Opening
from adapters.inbox.reaching import Failing, failing
from adapters.inbox.readings import ReadingSeen, readings
from adapters.inbox.roster import Roster
from adapters.keeping import Keeping
from adapters.provider import Provider
from adapters.retiring import Retired, retire_key
from broker import limits
from broker.schemas.capacity_updated import CapacityUnit, CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.contact_attempted import AttemptOutcome, ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed, HandoffFailure
from broker.schemas.handoff_started import HandoffStarted, PickedUp
from broker.schemas.ids import ConsentId, EventId, KeyId, OfferId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.refusal import RefusalCode
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import CapacityBucket, DeclineReason, MsgStatus, Outcome, Service, SurvivorClosure
from broker.sql.bulk import Pool


class Inbox:
    """One provider's inbox.

    Every answer is stored with what it does to the offer before the call returns, and sent by the zone's sender; it
    raises `OfferNotFound` or `AnswerNotPossible`. `release` names the survivor's release by which the source may hear
    more than receipt and closure.
    """

    def __init__(self, pool: Pool, provider: Provider, environment: MsgStatus, *, account: str | None = None) -> None:
        """Of `provider`; `account`: the short reference of whoever has signed in."""
        self.provider = provider
        self._pool = pool
        self._answering = Answering(pool, provider, environment)
        self._listing = Listing(pool, provider)
        self._opening = Opening(pool, provider, account)
        self.roster = Roster(pool, provider.org)
        self.keeping = Keeping(pool, provider)

    async def offers(self, *, everything: bool = False) -> tuple[OfferSeen, ...]:
        """What waits and what is under way, most urgent first; `everything`: what is over too."""
        return await self._listing.offers(everything=everything)

    async def find(self, name: str) -> OfferSeen:
        """The offer of this reference or offer id; raises `OfferNotFound` or `ReferenceAmbiguous`."""
        return await self._listing.find(name)

    async def answered(self, offer_id: OfferId) -> dict[str, datetime]:
        """Which answers were given to an offer, by their type, and when first."""
        return await self._listing.answered(offer_id)

    async def seen(self, offer_id: OfferId) -> None:
        """A person has opened the offer's page or its line: its receipt leaves, if none has yet."""
        await self._answering.seen(offer_id)

    async def readings(
        self, *, of: OfferId | None = None, limit: int | None = limits.readings_shown_max
    ) -> list[ReadingSeen]:
        """Who has opened what was released, the latest first; of one offer, if it is named. No limit: all."""
        return await readings(self._pool, self.provider.org, of, limit)

    async def aside(self) -> tuple[AsideSeen, ...]:
        """What the broker sent and was not acted on."""
        return await self._listing.aside()

    async def failing(self) -> Sequence[Failing]:
        """Which of this provider's own systems do not take what is sent to them."""
        return await failing(self._pool, self.provider.org)

    async def now(self) -> datetime:
        """The database's clock (UTC)."""
        return await self._listing.now()

    async def retire_key(self, key_id: KeyId, *, revoked: bool) -> Retired:
        """Destroy an opening key that is not needed any more; raises `KeyStillNeeded` or `KeyMissing`."""
        return await retire_key(self._pool, self.provider, key_id, await self.now(), revoked=revoked)

    async def open_groups(
        self, offer_id: OfferId, *, reader: AcceptedBy, contact_shown: bool = False, single_use: bool = False
    ) -> list[OpenedGroup]:
        """Open what was released, in memory, after writing down who looks; raises `NothingToOpen`."""
        return await self._opening.open_groups(
            offer_id, reader=reader, contact_shown=contact_shown, single_use=single_use
        )

    async def contact_confirmed(self, offer_id: OfferId, *, by: AcceptedBy = AcceptedBy.STAFF) -> None:
        """Somebody has asked the source's worker, and the safe contact still holds; raises `NothingToOpen`."""
        await self._opening.contact_confirmed(offer_id, by=by)

    async def answer(
        self, offer_id: OfferId, fact: EventData, *, release: Release | None = None, event_id: EventId | None = None
    ) -> Answered:
        """Store any answer to an offer; the same `event_id` with the same content again is the same answer."""
        return await self._answering.answer(offer_id, fact, release=release, event_id=event_id)

    async def accept(
        self,
        offer_id: OfferId,
        *,
        by: AcceptedBy = AcceptedBy.STAFF,
        contact_by: datetime | None = None,
        live: bool = False,
        release: Release | None = None,
    ) -> Answered:
        """A person says yes. The first acceptance of a need wins; the broker tells who was quicker.

        `live`: whoever accepts calls the worker now, and takes the survivor over on the line.
        """
        fact = OfferAccepted(offer_id=offer_id, accepted_by=by, live_transfer=live, expected_contact_by=contact_by)
        return await self.answer(offer_id, fact, release=release)

    async def decline(self, offer_id: OfferId, reason: DeclineReason, *, release: Release | None = None) -> Answered:
        """A person says no, by code."""
        return await self.answer(offer_id, OfferDeclined(offer_id=offer_id, reason=reason), release=release)

    async def give_back(self, offer_id: OfferId, reason: DeclineReason, *, event_id: EventId | None = None) -> Answered:
        """A person gives back what was accepted, before the service has begun; somebody else is asked at once."""
        fact = OfferDeclined(offer_id=offer_id, reason=reason)
        return await self._answering.answer(offer_id, fact, event_id=event_id, giving_back=True)

    async def waitlist(self, offer_id: OfferId, *, expected_by: datetime | None = None) -> Answered:
        """A place in the queue."""
        return await self.answer(offer_id, OfferWaitlisted(offer_id=offer_id, expected_by=expected_by))

    async def live_since(self, offer_id: OfferId) -> datetime | None:
        """When a live transfer came to where it stands: was promised, or has begun; None where it is neither."""
        since: datetime | None = await self._pool.fetchval(
            "SELECT max(made_at) FROM answer WHERE org_id = $1 AND offer_id = $2 AND type = ANY($3::text[])",
            *(self.provider.org, offer_id, [OfferAccepted.TYPE, HandoffStarted.TYPE]),
        )
        return since

    async def handoff_started(self, offer_id: OfferId, picked_up: PickedUp, *, by: AcceptedBy) -> Answered:
        """The worker, or the backup, has picked up, and the survivor is on the line."""
        return await self.answer(offer_id, HandoffStarted(offer_id=offer_id, taken_by=by, picked_up=picked_up))

    async def handoff_completed(self, offer_id: OfferId, *, release: Release | None = None) -> Answered:
        """The survivor was taken over live, and is in touch."""
        return await self.answer(offer_id, HandoffCompleted(offer_id=offer_id), release=release)

    async def handoff_failed(self, offer_id: OfferId, reason: HandoffFailure) -> Answered:
        """The live transfer did not come about; contact is made as usual."""
        return await self.answer(offer_id, HandoffFailed(offer_id=offer_id, reason=reason))

    async def contact_attempted(
        self,
        offer_id: OfferId,
        outcome: AttemptOutcome,
        *,
        by: AcceptedBy = AcceptedBy.STAFF,
        event_id: EventId | None = None,
    ) -> Answered:
        """One attempt at contact; attempts are counted here, and one that is told again is no further one.

        Raises `ContactNotAgreed` where it was taken back or has ended, was confirmed too long ago, or this is no hour
        that she named, unless that is what is noted: whoever notes an attempt has the way of contact opened for this
        check, which is written down.
        """
        attempts = await self._attempts(offer_id, event_id)
        if outcome is not AttemptOutcome.OUTSIDE_WINDOW_SKIPPED:
            await self._check_contact(offer_id, by)
        fact = ContactAttempted(offer_id=offer_id, attempt=attempts + 1, outcome=outcome)
        return await self.answer(offer_id, fact, event_id=event_id)

    async def _check_contact(self, offer_id: OfferId, by: AcceptedBy) -> None:
        if await self._opening.contact_over(offer_id):
            raise ContactOver
        try:
            safe = await self._opening.safe_contact(offer_id, reader=by)
        except NothingToOpen:
            return  # Whoever tries has the worker's way, which no hours of hers bind.
        if safe is not None:
            check_attempt(safe, await self.find(offer_id), await self.now())

    async def contact_made(self, offer_id: OfferId, *, release: Release | None = None) -> Answered:
        """The survivor is in touch."""
        return await self.answer(offer_id, ContactMade(offer_id=offer_id), release=release)

    async def contact_unreachable(self, offer_id: OfferId, *, event_id: EventId | None = None) -> Answered:
        """The agreed attempts are used up; there must have been at least one."""
        attempts = await self._attempts(offer_id)
        if not attempts:
            raise AnswerNotPossible(
                RefusalCode.TRANSITION_IMPOSSIBLE, "No attempt at contact has been noted for this offer."
            )
        return await self.answer(offer_id, ContactUnreachable(offer_id=offer_id, attempts=attempts), event_id=event_id)

    async def service_started(self, offer_id: OfferId, service: Service, *, release: Release | None = None) -> Answered:
        """The service has begun."""
        return await self.answer(offer_id, ServiceStarted(offer_id=offer_id, service=service), release=release)

    async def service_completed(
        self, offer_id: OfferId, outcome: Outcome, *, release: Release | None = None
    ) -> Answered:
        """The service came to an outcome."""
        return await self.answer(offer_id, ServiceCompleted(offer_id=offer_id, outcome=outcome), release=release)

    async def service_ended(self, offer_id: OfferId, closure: SurvivorClosure) -> Answered:
        """It ended before completion, or the survivor chose otherwise."""
        return await self.answer(offer_id, ServiceEnded(offer_id=offer_id, closure=closure))

    async def revocation_acknowledged(
        self, offer_id: OfferId, outcome: RevocationOutcome, *, event_id: EventId | None = None
    ) -> Answered:
        """A person says what became of what was taken back after somebody had opened it."""
        fact = RevocationAcknowledged(offer_id=offer_id, outcome=outcome)
        return await self._answering.acknowledge(offer_id, fact, event_id=event_id)

    async def capacity(self, service: Service, unit: CapacityUnit, available: CapacityBucket) -> Answered:
        """How many places there are, roughly, as of now."""
        as_of = await self.now()
        fact = CapacityUpdated(service=service, unit=unit, available=available, as_of=as_of)
        return await self._answering.tell(fact, self.provider.org)

    async def capacity_told(self) -> list[Told]:
        """What was last said of free places, for each service and unit."""
        return await told(self._pool, self.provider.org)

    async def consent(self, consent_id: ConsentId, fact: ConsentGranted | ConsentNarrowed | ConsentRevoked) -> Answered:
        """Publish what a survivor has allowed this provider to tell the source, or takes back."""
        return await self._answering.tell(fact, consent_id)

    async def sent(self, event_id: EventId) -> bool:
        """Whether Kafka has confirmed an answer."""
        return bool(
            await self._pool.fetchval(
                "SELECT sent_at IS NOT NULL FROM answer WHERE org_id = $1 AND event_id = $2",
                self.provider.org,
                event_id,
            )
        )

    async def _attempts(self, offer_id: OfferId, apart_from: EventId | None = None) -> int:
        count: int = await self._pool.fetchval(
            "SELECT count(*) FROM answer WHERE org_id = $1 AND offer_id = $2 AND type = $3 AND refusal IS NULL"
            " AND event_id IS DISTINCT FROM $4",
            self.provider.org,
            offer_id,
            ContactAttempted.TYPE,
            apart_from,
        )
        return count
