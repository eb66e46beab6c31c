"""A record of a provider's own topics becomes an arrival that is the broker's own word for it, or a coded reason.

Nothing is acted on that the broker has not signed for this installation's environment. Reading never raises.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka import ConsumerRecord

from adapters.provider import Provider
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.envelope import Envelope, Received, read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics

Record = ConsumerRecord[bytes, bytes]

UNDERSTOOD: Final = frozenset[type[EventData]](
    {
        *(OfferMade, OfferReminded, OfferWithdrawn, OfferExpired),
        *(DisclosureReleased, DisclosureKeyed, DisclosureRevoked, EventRefused),
    }
)
"""What the broker says to a provider."""

HEARD: Final = (Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER)
"""On which of an organisation's topics it says so: what keys open never comes on theirs, nor they on its."""


@dataclass(slots=True)
class Reading:
    """One record. `code` says why it is not acted on; where it is None, `envelope` and `fact` are there."""

    record: Record
    provider: Provider | None = None
    envelope: Envelope | None = None
    fact: EventData | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whose word counts here, and in which environment."""

    topics: Topics
    broker_org: OrgId
    providers: Mapping[OrgId, Provider]

    async def read_all(self, records: Sequence[Record], now: datetime) -> list[Reading]:
        """Read a batch; signatures are verified in a thread, because they are dear (engineering.md D9)."""
        return await asyncio.to_thread(lambda: [self._read(record, now) for record in records])

    def _read(self, record: Record, now: datetime) -> Reading:
        reading = Reading(record)
        try:
            provider = reading.provider = self._provider(record.topic)
            received = read_envelope(record.key, record.headers, record.value)
            reading.envelope = received.envelope
            self._trust(record, received, provider)
            self._timely(received, now)
            reading.fact = received.event_class.read(received.data)
        except Refused as refused:
            reading.code = refused.code.value
        return reading

    def _provider(self, topic: str) -> Provider:
        place = self.topics.parse(topic)
        provider = self.providers.get(place[1]) if place is not None else None
        if place is None or place[0] not in HEARD or provider is None:
            raise Refused(RefusalCode.NOT_YOURS)
        return provider

    def _trust(self, record: Record, received: Received, provider: Provider) -> None:
        if received.envelope.org != self.broker_org:
            raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
        problem = provider.signature_problem(record.headers, record.value or b"", self.broker_org)
        if problem is not None:
            raise Refused(problem, "wh-signature")
        place = self.topics.parse(record.topic)
        if received.event_class not in UNDERSTOOD or place is None or place[0] not in received.event_class.FLOWS:
            raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")

    def _timely(self, received: Received, now: datetime) -> None:
        envelope = received.envelope
        if envelope.msgstatus is not self.topics.environment:
            raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
        if envelope.expirytime is not None and envelope.expirytime <= now:
            raise Refused(RefusalCode.EXPIRED, "expirytime")
