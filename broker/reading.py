"""Kafka records become arrivals or refusals; nothing here takes effect and nothing here raises for a record's content.

Checked in this order, so that the answer does not depend on luck: the envelope, the topic it came on, the signature,
the environment and the times, the event's own schema.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiokafka import ConsumerRecord

from broker.domain.acceptance import refuse_misplaced
from broker.handlers.arrival import Arrival
from broker.handlers.directory import Directory
from broker.handlers.stories import STORIES
from broker.schemas.envelope import Received, read_envelope, record_digest
from broker.schemas.event import EventData, Flow
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.seal.keys import PublicSigningKey
from broker.seal.signature import Lookup, SignatureFault, verify

Record = ConsumerRecord[bytes, bytes]

VERIFY_THREADS = 2
"""Ed25519 verification releases the interpreter's lock, so a batch is verified by this many threads."""

VERIFIED_INLINE_MAX = 8
"""So few are verified within a millisecond, and to wait for threads takes as long."""


@dataclass(slots=True)
class Reading:
    """One record, read as far as it could be. Exactly one of `arrival` and `refused` is set after
    `understand_all`.
    """

    record: Record
    flow: Flow | None = None
    topic_org: OrgId | None = None
    received: Received | None = None
    digest: bytes = b""
    arrival: Arrival[EventData] | None = None
    refused: Refused | None = None
    waited: bool = False
    """Whether it waited for its referral before, and does so no longer."""
    told: tuple[str, str | None] | None = None
    """The code and field by which its publisher was told before that it is refused."""


Verify = Callable[[Record, OrgId], RefusalCode | None]
"""Says what is wrong with a record's signature by this organisation, or None."""


def key_lookup(directory: Directory) -> Lookup:
    """The signing keys of the directory."""

    def lookup(key_id: KeyId) -> PublicSigningKey | None:
        public = directory.signing_keys.get(key_id)
        return None if public is None else PublicSigningKey(key_id, public)

    return lookup


def signature_check(directory: Directory) -> Verify:
    """The check against the keys of the directory."""
    lookup = key_lookup(directory)

    def check(record: Record, org: OrgId) -> RefusalCode | None:
        found = verify(record.headers, record.value or b"", org, lookup)
        return found.refusal if isinstance(found, SignatureFault) else None

    return check


def opened_all(records: Sequence[Record], topics: Topics, *, waited: bool = False) -> list[Reading]:
    """Read a batch's envelopes and whether each came on its source's own topic: what needs to know nothing else."""
    return [_opened(record, topics, waited=waited) for record in records]


async def understand_all(
    readings: Sequence[Reading], topics: Topics, directory: Directory, check: Verify | None, now: datetime
) -> None:
    """Read the rest of those that are not refused. `check` is None where the caller has verified them, and where a
    measurement leaves signatures out.
    """
    fresh = [reading for reading in readings if reading.refused is None and reading.arrival is None]
    for reading in fresh:
        if reading.topic_org not in directory.parties:
            reading.refused = Refused(RefusalCode.SOURCE_UNKNOWN, "source")
    if check is not None:
        await _verify(fresh, check)
    for reading in fresh:
        if reading.refused is None:
            _understand(reading, topics, directory, now)


def _opened(record: Record, topics: Topics, *, waited: bool) -> Reading:
    reading = Reading(record, waited=waited)
    place = topics.parse(record.topic)
    try:
        if place is None:
            raise Refused(RefusalCode.SOURCE_NOT_BOUND)
        reading.flow, reading.topic_org = place
        reading.received = read_envelope(record.key, record.headers, record.value)
        reading.digest = record_digest(record.headers, record.value or b"")
        if reading.received.envelope.org != reading.topic_org:
            raise Refused(RefusalCode.SOURCE_NOT_BOUND, "source")
    except Refused as refused:
        reading.refused = refused
    return reading


async def _verify(readings: Sequence[Reading], check: Verify) -> None:
    readable = [reading for reading in readings if reading.refused is None]

    def verify_share(share: Sequence[Reading]) -> None:
        for reading in share:
            assert reading.topic_org is not None
            wrong = check(reading.record, reading.topic_org)
            if wrong is not None:
                reading.refused = Refused(wrong, "wh-signature")

    if len(readable) <= VERIFIED_INLINE_MAX:
        verify_share(readable)
        return
    shares = [readable[start::VERIFY_THREADS] for start in range(VERIFY_THREADS)]
    await asyncio.gather(*(asyncio.to_thread(verify_share, share) for share in shares if share))


def _understand(reading: Reading, topics: Topics, directory: Directory, now: datetime) -> None:
    received = reading.received
    assert received is not None
    envelope = received.envelope
    try:
        if reading.flow is None or received.event_class not in STORIES:
            raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")
        refuse_misplaced(envelope, received.event_class, reading.flow, topics.environment, now)
        fact = received.event_class.read(received.data)
        reading.arrival = Arrival(envelope, fact, directory.parties[envelope.org])
    except Refused as refused:
        reading.refused = refused
