"""What the broker tells an agency: one word of it, believed only if the broker signed it for this environment."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from aiokafka import ConsumerRecord

from broker.schemas.envelope import read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import EventId
from broker.schemas.refusal import ADVICE, Advice, RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.seal.signature import SignatureFault, verify
from broker.zone import AgencyZone

log = logging.getLogger(__name__)

KafkaRecord = ConsumerRecord[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Notice:
    """One word of the broker's. `subject` is what it is about, `cause` the event it follows from, times are UTC."""

    event_id: EventId
    subject: str
    time: datetime
    fact: EventData = field(repr=False)
    cause: EventId | None = None

    @property
    def advice(self) -> Advice | None:
        """For a refusal: what it means in plain words, and what to do."""
        return ADVICE[self.fact.code] if isinstance(self.fact, EventRefused) else None


@dataclass(slots=True)
class Hearing:
    """Whose word counts, and in which environment. The zone is replaced when its folder has changed."""

    zone: AgencyZone
    topics: Topics

    @property
    def topic(self) -> str:
        """The agency's notice topic."""
        return self.topics.name(Flow.BROKER_TO_SOURCE, self.zone.org)

    def read(self, record: KafkaRecord) -> Notice | None:
        """The notice that a record carries; None, and a line in the log, for what is not the broker's own word."""
        try:
            return self._notice(record)
        except Refused as refused:
            place = (record.topic, record.partition, record.offset)
            log.warning("a notice was not believed at %s/%d/%d: %s", *place, refused.code.value)
            return None

    def _notice(self, record: KafkaRecord) -> Notice:
        received = read_envelope(record.key, record.headers, record.value)
        envelope, broker = received.envelope, self.zone.directory.broker
        if envelope.org != broker or Flow.BROKER_TO_SOURCE not in received.event_class.FLOWS:
            raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
        if envelope.msgstatus is not self.topics.environment:
            raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
        checked = verify(record.headers, record.value or b"", broker, self.zone.broker_keys.get)
        if isinstance(checked, SignatureFault):
            raise Refused(checked.refusal, "wh-signature")
        fact = received.event_class.read(received.data)
        return Notice(envelope.id, envelope.subject, envelope.time, fact, envelope.causationid)
