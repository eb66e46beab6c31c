"""An answer of a person: checked against the kind and the offer's standing, and stored with its effect at once.

What is stored is sent (adapters/sending.py). The same event id given twice is one answer, so that a door which is not
sure may simply ask again. Nothing here accepts by itself: every answer names who gave it.
"""

from dataclasses import dataclass
from typing import Final

from adapters import rows
from adapters.errors import AnswerNotPossible, OfferNotFound
from adapters.file import File, OfferOnFile, Prepared
from adapters.provider import Provider
from adapters.standing import LIVE, TAKEN, Standing, after, why_not
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import ConsentId, EventId, OfferId, new_event_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.refusal import RefusalCode
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Connection, Pool

_RECALL_ANSWERED: Final = (
    "UPDATE recall r SET outcome = $3 FROM offer o WHERE r.org_id = $1 AND r.offer_id = $2 AND o.org_id = r.org_id"
    " AND o.offer_id = r.offer_id RETURNING o.referral_id"
)

_RECEIPT_DUE: Final = (
    "UPDATE delivery SET receipt_due = FALSE WHERE org_id = $1 AND offer_id = $2 AND type = $3 AND receipt_due"
    " RETURNING referral_id"
)


TOO_LATE: Final = frozenset({RefusalCode.OFFER_EXPIRED, RefusalCode.OFFER_WITHDRAWN})
"""Somebody has answered, and it was over: nobody may think that nobody did (reliability.md F17)."""

_CAME_LATE: Final = (
    "INSERT INTO late_answer (org_id, offer_id, type, code, times, first_at, last_at)"
    " VALUES ($1, $2, $3, $4, 1, clock_timestamp(), clock_timestamp()) ON CONFLICT (org_id, offer_id, type, code)"
    " DO UPDATE SET times = late_answer.times + 1, last_at = excluded.last_at"
)


@dataclass(frozen=True, slots=True)
class Release:
    """The survivor's release by which this provider may tell the source more than receipt and closure (VAWA-12)."""

    consent_id: ConsentId
    version: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is stored and will be sent."""

    event_id: EventId
    standing: Standing | None
    """Where the offer stands now; None for an answer that is about no offer."""
    repeated: bool = False
    """It had been stored before under the same event id."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Stores the answers of one provider."""

    pool: Pool
    provider: Provider
    environment: MsgStatus

    async def answer(
        self,
        offer_id: OfferId,
        fact: EventData,
        *,
        release: Release | None = None,
        event_id: EventId | None = None,
        giving_back: bool = False,
    ) -> Answered:
        """Store an answer to an offer of this provider, with what it does to the offer, in one transaction.

        One that comes after the offer has expired or was taken back is refused, and that it came is written down.

        A decline gives an accepted offer back only where `giving_back` says so: a colleague who declines what he sees
        waiting must not undo an acceptance that came in between.

        Raises:
            OfferNotFound: also for another provider's offer, so that nobody learns that it exists.
            AnswerNotPossible: with the code that the broker would refuse it with.
        """
        self._check_kind(fact)
        try:
            return await self._answer(offer_id, fact, release, event_id, giving_back=giving_back)
        except AnswerNotPossible as refused:
            if refused.code in TOO_LATE:
                await self.pool.execute(_CAME_LATE, self.provider.org, offer_id, fact.TYPE, refused.code.value)
            raise

    async def _answer(
        self,
        offer_id: OfferId,
        fact: EventData,
        release: Release | None,
        event_id: EventId | None,
        *,
        giving_back: bool,
    ) -> Answered:
        async with self.pool.acquire() as connection, connection.transaction():
            file = await self._file(connection)
            key = (self.provider.org, offer_id)
            await rows.lock_offers(connection, file, [key])
            if (offer := file.offers.get(key)) is None:
                raise OfferNotFound
            before = await self._repeated(connection, event_id, fact, offer_id, offer.standing)
            if before is not None:
                return before
            if isinstance(fact, OfferDeclined) and giving_back != (offer.standing in TAKEN):
                raise AnswerNotPossible(why_not(offer.standing, type(fact)))
            return await self._store(connection, file, offer, fact, release, event_id)

    async def seen(self, offer_id: OfferId) -> None:
        """A person looks at an offer: the receipt (A2), where a notice alone has told of it so far."""
        async with self.pool.acquire() as connection, connection.transaction():
            subject = await connection.fetchval(_RECEIPT_DUE, self.provider.org, offer_id, OfferMade.TYPE)
            if subject is not None:
                file, fact = await self._file(connection), OfferReceipted(offer_id=offer_id)
                envelope = self._envelope(file, subject, fact, offer_id, None)
                await rows.add_answers(connection, [Prepared(envelope, fact, offer_id)], file.now)

    async def acknowledge(
        self, offer_id: OfferId, fact: RevocationAcknowledged, *, event_id: EventId | None = None
    ) -> Answered:
        """Store what became of groups that were taken back from this provider and that somebody had opened.

        A later answer counts, too: who had kept something may have deleted it since.

        Raises:
            AnswerNotPossible: another answer was stored under this id.
            OfferNotFound: nothing was taken back from this provider under that offer.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            file = await self._file(connection)
            if (before := await self._repeated(connection, event_id, fact, offer_id, None)) is not None:
                return before
            subject = await connection.fetchval(_RECALL_ANSWERED, self.provider.org, offer_id, fact.outcome.value)
            if subject is None:
                raise OfferNotFound("Nothing was taken back from you under this reference.")
            envelope = self._envelope(file, subject, fact, offer_id, None, event_id)
            await rows.add_answers(connection, [Prepared(envelope, fact, offer_id)], file.now)
        return Answered(envelope.id, None)

    async def tell(self, fact: EventData, subject: str) -> Answered:
        """Store what the provider says that is about no offer: its free places, a survivor's release to it.

        Raises:
            AnswerNotPossible: this kind of provider does not say such a thing.
        """
        self._check_kind(fact)
        async with self.pool.acquire() as connection, connection.transaction():
            file = await self._file(connection)
            envelope = self._envelope(file, subject, fact, None, None)
            await rows.add_answers(connection, [Prepared(envelope, fact)], file.now)
        return Answered(envelope.id, None)

    def _check_kind(self, fact: EventData) -> None:
        refusal = self.provider.kind.refusal_of(fact)
        if refusal is not None:
            raise AnswerNotPossible(refusal[0])

    async def _file(self, connection: Connection) -> File:
        return File(await connection.fetchval("SELECT clock_timestamp()"), self.environment, new_event_id)

    async def _repeated(
        self,
        connection: Connection,
        event_id: EventId | None,
        fact: EventData,
        offer_id: OfferId,
        standing: Standing | None,
    ) -> Answered | None:
        """The answer that was stored under this id before; another content under the same id is refused."""
        if event_id is None:
            return None
        row = await connection.fetchrow(
            "SELECT offer_id, type, value FROM answer WHERE org_id = $1 AND event_id = $2", self.provider.org, event_id
        )
        if row is None:
            return None
        if (row["offer_id"], row["type"], row["value"]) != (offer_id, fact.TYPE, fact.wire()):
            raise AnswerNotPossible(RefusalCode.ID_REUSED)
        return Answered(event_id, standing, repeated=True)

    async def _store(
        self,
        connection: Connection,
        file: File,
        offer: OfferOnFile,
        fact: EventData,
        release: Release | None,
        event_id: EventId | None,
    ) -> Answered:
        before = offer.standing
        live = isinstance(fact, OfferAccepted) and fact.live_transfer
        following = LIVE.get(before) if live else after(before, type(fact))
        if following is None:
            raise AnswerNotPossible(why_not(before, type(fact)))
        envelope = self._envelope(file, offer.referral_id, fact, offer.offer_id, release, event_id)
        offer.standing, offer.changed_at, offer.refusal = following, file.now, None
        file.changed[(offer.org_id, offer.offer_id)] = offer
        await rows.save_offers(connection, file)
        await rows.add_answers(connection, [Prepared(envelope, fact, offer.offer_id, before, following)], file.now)
        return Answered(envelope.id, following)

    def _envelope(
        self,
        file: File,
        subject: str,
        fact: EventData,
        offer_id: OfferId | None,
        release: Release | None,
        event_id: EventId | None = None,
    ) -> Envelope:
        return Envelope(
            id=event_id or file.draw(),
            org=self.provider.org,
            type=fact.TYPE,
            subject=subject,
            time=file.now,
            msgstatus=self.environment,
            offerid=offer_id,
            consentid=release.consent_id if release else None,
            consentver=release.version if release else None,
        )
