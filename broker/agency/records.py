"""An event becomes a signed Kafka record that has passed every check which the broker makes without its registry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from broker.agency.errors import refused_here
from broker.domain.acceptance import refuse_misplaced, refuse_unlawful
from broker.schemas.envelope import Envelope, Received, binary_record, read_envelope
from broker.schemas.event import FROM_SOURCE, EventData, Flow
from broker.schemas.ids import EventId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.seal.signature import SIGNATURE_HEADER, sign
from broker.zone import AgencyZone

KafkaHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as Kafka gets it. Its repr shows no content."""

    topic: str
    key: bytes | None = field(repr=False)
    headers: KafkaHeaders = field(repr=False)
    value: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an agency's events are made: its zone and its topics."""

    zone: AgencyZone
    topics: Topics

    @property
    def own_topics(self) -> tuple[str, ...]:
        """The topics on which the agency publishes."""
        return tuple(self.topics.name(flow, self.zone.org) for flow in sorted(FROM_SOURCE))

    def topic_of(self, event: type[EventData] | None) -> str:
        """The topic on which an event of this kind goes out; for what is no agency's event, the one that refuses it."""
        keys = event is not None and Flow.KEYS_TO_BROKER in event.FLOWS
        flow = Flow.KEYS_TO_BROKER if keys else Flow.SOURCE_TO_BROKER
        return self.topics.name(flow, self.zone.org)

    def record(self, envelope: Envelope, fact: EventData, now: datetime) -> Record:
        """The signed record of an event, in binary mode.

        Raises:
            EventRefusedBeforeSending: with the code that the broker would refuse it with.
        """
        headers, value = binary_record(envelope, fact.wire())
        record = Record(self.topic_of(type(fact)), envelope.subject.encode(), headers, value)
        self.check(record, now)
        return self.signed(record)

    def check(self, record: Record, now: datetime) -> tuple[Received, EventData]:
        """Read the record as the broker will at `now` (UTC), its signature apart.

        Raises:
            EventRefusedBeforeSending: with the code that the broker would refuse it with.
        """
        with refused_here():
            received = read_envelope(record.key, record.headers, record.value)
            if received.envelope.org != self.zone.org:
                raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
            place = self.topics.parse(record.topic)
            if place is None:
                raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
            refuse_misplaced(received.envelope, received.event_class, place[0], self.topics.environment, now)
            fact = received.event_class.read(received.data)
            refuse_unlawful(received.envelope, fact, self.zone.party.org_class, self.zone.pack, now)
            return received, fact

    def signed(self, record: Record) -> Record:
        """The record with the agency's signature of its headers and value.

        Raises:
            NotSignable: a header that the signature would cover occurs twice or has no value.
        """
        covered = [(name, content) for name, content in record.headers if name != SIGNATURE_HEADER]
        signature = sign(covered, record.value or b"", self.zone.signing_key)
        return Record(record.topic, record.key, [*covered, (SIGNATURE_HEADER, signature)], record.value)


def same_event(one: Record, other: Record) -> bool:
    """Whether two records say the same: all but the time at which they were made (an event made twice is one event)."""
    return _said(one) == _said(other)


def _said(record: Record) -> tuple[bytes | None, Mapping[str, bytes | None], Any]:
    named = {name: text for name, text in record.headers if name not in ("ce_time", SIGNATURE_HEADER)}
    return record.key, named, from_json(record.value or b"null")


def event_id_of(record: Record) -> EventId:
    """The event id that a checked record in binary mode carries."""
    content = dict(record.headers)["ce_id"]
    assert content is not None, "a checked record has an id"
    return EventId(content.decode())
