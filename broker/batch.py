"""One Kafka batch becomes one PostgreSQL transaction: taken in or quarantined, decided, recorded, queued to be sent.

Either all of it is stored, or nothing is and the batch is tried again. Offsets are committed by the caller afterwards.
"""

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from broker.handlers import gate
from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk
from broker.handlers.stories import STORIES
from broker.reading import Reading, Record
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.event import FROM_SOURCE, EventData, Flow, Subject
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused, RecordPosition
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.ids import EventId, OrgId, ReferralId
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.sql.bulk import Connection
from broker.store import known
from broker.store.known import Before
from broker.store.loading import Wanted
from broker.store.writing import Pointer, Taken
from broker.trail.entries import Step

log = logging.getLogger(__name__)

_NEED_CIPHERTEXTS = frozenset({OfferAccepted, HandoffFailed, ReferralSealed})
_NEED_DISCLOSURES = frozenset({ReferralRecalled, RevocationAcknowledged})


@dataclass(slots=True)
class Result:
    """What became of the records of a batch."""

    taken: list[Taken] = field(default_factory=list)
    quarantined: list[Pointer] = field(default_factory=list)
    early: list[Record] = field(default_factory=list)
    """Keys whose referral is not here yet: they wait for it, and are read again (broker/store/early.py)."""


def wanted_of(readings: Sequence[Reading]) -> Wanted:
    """What these arrivals will touch."""
    wanted = Wanted()
    for reading in readings:
        arrival = reading.arrival
        if arrival is not None:
            _want(arrival, wanted)
    return wanted


def _want(arrival: Arrival[EventData], wanted: Wanted) -> None:
    subject, fact = arrival.envelope.subject, arrival.fact
    if arrival.envelope.consentid is not None:
        wanted.consents.add(arrival.envelope.consentid)
    if fact.SUBJECT is Subject.CONSENT:
        wanted.changing_consents.add(subject)
        if isinstance(fact, ConsentGranted | ConsentNarrowed):
            wanted.arriving_consents.add((subject, arrival.envelope.org, fact.record.subject.subject_ref))
    elif fact.SUBJECT is Subject.INCIDENT:
        wanted.changing_incidents.add(subject)
    elif fact.SUBJECT is Subject.REFERRAL:
        wanted.referrals.add(subject)
        if type(fact) in _NEED_CIPHERTEXTS:
            wanted.sealed_of.add(subject)
        elif type(fact) in _NEED_DISCLOSURES:
            wanted.recalls_of.add(subject)
        elif type(fact) is BreakGlassInvoked:
            wanted.sealed_of.add(subject)
            wanted.glass_of.add(arrival.envelope.org)
        elif isinstance(fact, ReferralRequested) and fact.incident_id is not None:
            wanted.incidents.add(fact.incident_id)


async def known_before(connection: Connection, readings: Sequence[Reading]) -> Before:
    """What the store knew of these readings; their partitions are locked until the transaction ends."""
    places = {(reading.record.topic, reading.record.partition) for reading in readings}
    received = [r.received for r in readings if r.received is not None and r.refused is None]
    events = [(one.envelope.org, one.envelope.id) for one in received]
    referrals = {one.envelope.subject for one in received if one.event_class.SUBJECT is Subject.REFERRAL}
    return await known.known_before(connection, places, events, referrals)


async def refused_before(
    connection: Connection, readings: Sequence[Reading], stored: dict[tuple[str, int], int]
) -> set[tuple[str, int, int, int]]:
    """Records that were quarantined by an earlier transaction whose offsets were lost: they are not told twice."""
    again = [
        (r.record.topic, r.record.partition, r.record.offset, r.record.timestamp)
        for r in readings
        if r.record.offset < stored.get((r.record.topic, r.record.partition), 0)
    ]
    if not again:
        return set()
    rows = await connection.fetch(
        "SELECT topic, partition, record_offset, record_time_ms FROM quarantine JOIN"
        " unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])"
        " AS w(topic, partition, record_offset, record_time_ms)"
        " USING (topic, partition, record_offset, record_time_ms)",
        *zip(*again, strict=True),
    )
    return {(row["topic"], row["partition"], row["record_offset"], row["record_time_ms"]) for row in rows}


def work(
    desk: Desk,
    readings: Sequence[Reading],
    known: dict[tuple[OrgId, EventId], bytes],
    told_before: set[tuple[str, int, int, int]],
) -> Result:
    """Work a batch on the desk, record by record, in the order of their partitions; keys after what they belong to."""
    result = Result()
    for reading in sorted(readings, key=_is_of_keys):
        record = reading.record
        if (record.topic, record.partition, record.offset, record.timestamp) in told_before:
            continue
        try:
            if reading.refused is not None:
                raise reading.refused
            assert reading.arrival is not None
            _take(desk, reading.arrival, reading, known, result)
        except Refused as refused:
            if refused.code is RefusalCode.REFERRAL_UNKNOWN and _is_of_keys(reading) and not reading.waited:
                _hold(desk, reading, result)
            else:
                _quarantine(desk, reading, refused, result)
        except Exception as defect:  # noqa: BLE001  whatever it is, the event is kept and its publisher told
            # A defect of ours must neither lose the event nor block its partition. Its message might hold a value.
            log.error("a story failed with %s at %s", type(defect).__name__, _where(defect))
            _quarantine(desk, reading, Refused(RefusalCode.BROKER_FAULT), result)
    return result


def _where(defect: Exception) -> str:
    steps = traceback.extract_tb(defect.__traceback__)
    return f"{Path(steps[-1].filename).name}:{steps[-1].lineno}" if steps else "?"


def _take(
    desk: Desk,
    arrival: Arrival[EventData],
    reading: Reading,
    known: dict[tuple[OrgId, EventId], bytes],
    result: Result,
) -> None:
    envelope, digest = arrival.envelope, reading.digest
    before = known.get((envelope.org, envelope.id))
    if before is not None and before != digest:
        raise Refused(RefusalCode.ID_REUSED, "id")
    with desk.event(envelope.id, envelope.org):
        if before is None:
            told = len(desk.written.trail)
            STORIES[type(arrival.fact)](arrival, desk)
            if len(desk.written.trail) == told:
                desk.record(Step.EVENT_ACCEPTED, _referral_of(arrival), {"type": envelope.type})
        if reading.flow in FROM_SOURCE:
            desk.send(
                Flow.BROKER_TO_SOURCE,
                envelope.org,
                envelope.subject,
                EventAccepted(event_id=envelope.id, duplicate=before is not None),
                gate.control(envelope.org),
                referral_id=_referral_of(arrival),
            )
    if before is None:
        known[(envelope.org, envelope.id)] = digest
        result.taken.append(Taken(envelope.org, envelope.id, digest))


def _referral_of(arrival: Arrival[EventData]) -> ReferralId | None:
    return ReferralId(arrival.envelope.subject) if arrival.fact.SUBJECT is Subject.REFERRAL else None


def _is_of_keys(reading: Reading) -> bool:
    return reading.flow is Flow.KEYS_TO_BROKER


def _hold(desk: Desk, reading: Reading, result: Result) -> None:
    """Two topics keep no order between them. It is told of when its referral is here, or does not come."""
    result.early.append(reading.record)
    with desk.event(None, desk.broker_org):
        desk.record(Step.KEYS_HELD, None, {"record": _place(reading.record)})


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _quarantine(desk: Desk, reading: Reading, refused: Refused, result: Result) -> None:
    """Keep where the record lies and why, and tell whoever owns the topic, by code and field, never by value."""
    record = reading.record
    envelope = reading.received.envelope if reading.received is not None else None
    org = reading.topic_org if reading.topic_org in desk.directory.parties else None
    event_id = envelope.id if envelope is not None else None
    result.quarantined.append(
        Pointer(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            time_ms=record.timestamp,
            code=refused.code.value,
            field=refused.field,
            org=org,
            event_id=event_id,
            size_bytes=len(record.value or b""),
        )
    )
    with desk.event(event_id, org or desk.broker_org):
        told = {"code": refused.code.value, "field": refused.field, "record": _place(record)}
        desk.record(Step.EVENT_REFUSED, None, told)
        if org is not None and reading.told != (refused.code.value, refused.field):
            _tell_refusal(desk, reading, refused, org, event_id)


def _tell_refusal(desk: Desk, reading: Reading, refused: Refused, org: OrgId, event_id: EventId | None) -> None:
    to_provider = reading.flow is Flow.PROVIDER_TO_BROKER
    envelope = reading.received.envelope if reading.received is not None else None
    notice = EventRefused(
        event_id=event_id,
        code=refused.code,
        field=refused.field,
        position=RecordPosition(
            topic=reading.record.topic, partition=reading.record.partition, offset=reading.record.offset
        ),
    )
    desk.send(
        Flow.BROKER_TO_PROVIDER if to_provider else Flow.BROKER_TO_SOURCE,
        org,
        envelope.subject if envelope is not None else org,
        notice,
        gate.control(org),
    )
