"""Where answers that come from a provider's own systems meet, whichever transport brings them in.

They are checked like a person's, stored at once, and sent by the zone's sender.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.errors import OfferNotFound
from adapters.inbox.answering import Answered, Answering
from adapters.provider import Provider
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool


@dataclass(frozen=True, slots=True)
class Door:
    """`Answers`, as transports are given it."""

    pool: Pool
    providers: Mapping[OrgId, Provider]
    environment: MsgStatus
    wake_sender: Callable[[], None]

    async def __call__(
        self,
        org: OrgId,
        offer_id: OfferId,
        fact: EventData,
        event_id: EventId,
        *,
        giving_back: bool = False,
        said_at: datetime | None = None,
    ) -> Answered:
        """Store an answer; the same id with the same content again is the same answer.

        A decline gives nothing back that was accepted in between, unless `giving_back` says that this is meant.
        `said_at` (UTC) is given for a side that hears no refusal: an answer that came before the one that must precede
        it then waits for that, and one that can never be given is written down.

        Raises:
            OfferNotFound: it is not this organisation's offer, or this organisation is not served.
            AnswerNotPossible: with the code that the broker would refuse it with.
        """
        provider = self.providers.get(org)
        if provider is None:
            raise OfferNotFound
        answering = Answering(self.pool, provider, self.environment)
        if isinstance(fact, RevocationAcknowledged):
            answered = await answering.acknowledge(offer_id, fact, event_id=event_id)
        else:
            answered = await answering.answer(
                offer_id, fact, event_id=event_id, giving_back=giving_back, said_at=said_at
            )
        self.wake_sender()
        return answered
