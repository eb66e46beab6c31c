"""An event that came by HTTP goes to Kafka as it came, once it is certain that the broker could not refuse it at once.

It is read by the intake's own code, in the intake's own order, so that both say the same. What only the broker's tables
can tell is judged when it is taken in, and told by a notice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka import ConsumerRecord

from broker.agency.records import Record
from broker.agency.sending import Sender
from broker.handlers.directory import Directory
from broker.reading import opened_all, signature_check, understand_all
from broker.schemas.envelope import read_keyless
from broker.schemas.event import FROM_SOURCE, EventData, Flow
from broker.schemas.ids import EventId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.seal.signature import SIGNATURE_HEADER
from broker.web.callers import Network
from broker.web.rates import Rates

Headers = list[tuple[str, bytes]]
AsRead = ConsumerRecord[bytes, bytes]

_NOWHERE: Final = -1
"""Partition and offset of what is not on Kafka yet."""


@dataclass(frozen=True, slots=True)
class Taking:
    """Takes events from whoever signed them, and publishes each on its publisher's own topic."""

    network: Network
    rates: Rates
    topics: Topics
    sender: Sender

    async def take(self, headers: Headers, value: bytes) -> EventId:
        """Publish the event; returns its id when Kafka has confirmed it.

        Raises:
            Refused: with the code that the broker would refuse it with.
            Problem: RATE_LIMITED.
            NotConfirmed, NotOnboarded: it may have arrived or not.
        """
        now, directory = await self.network.now()
        event_id, record = await self._read(headers, value, now, directory)
        await self.sender.send(record)
        return event_id

    async def _read(
        self, headers: Headers, value: bytes, now: datetime, directory: Directory
    ) -> tuple[EventId, Record]:
        received = read_keyless(headers, value)
        envelope = received.envelope
        topic, key = self.topics.name(_flow(received.event_class), envelope.org), envelope.subject.encode()
        to_be = _as_read(topic, key, headers, value, now)
        [reading] = opened_all([to_be], self.topics)
        if reading.refused is not None:
            raise reading.refused
        if envelope.org not in directory.parties:
            raise Refused(RefusalCode.SOURCE_UNKNOWN, "source")
        if (wrong := signature_check(directory)(to_be, envelope.org)) is not None:
            raise Refused(wrong, SIGNATURE_HEADER)
        self.rates.take(envelope.org)  # Only now: nobody uses up what another may send.
        await understand_all([reading], self.topics, directory, None, now)
        if reading.refused is not None:
            raise reading.refused
        return envelope.id, Record(topic, key, headers, value)


def _flow(event: type[EventData]) -> Flow:
    """The way on which an agency publishes such an event.

    Raises:
        Refused: TYPE_NOT_YOURS: none does.
    """
    for flow in sorted(FROM_SOURCE & event.FLOWS):
        return flow
    raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")


def _as_read(topic: str, key: bytes, headers: Headers, value: bytes, now: datetime) -> AsRead:
    """The record as the broker will read it."""
    return ConsumerRecord(
        topic, _NOWHERE, _NOWHERE, int(now.timestamp() * 1000), 0,
        key, value, None, len(key), len(value), tuple(headers),
    )  # fmt: skip
