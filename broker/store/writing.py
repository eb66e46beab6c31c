"""Everything that a batch changed, written at once: a handful of statements whatever the batch's size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import uuid4
from zlib import crc32

import orjson
from pydantic_core import to_json

from broker.domain.work_list import SETTLED_AT
from broker.handlers.cases import BreakGlass, ConsentVersion, Incident, Need, Offer, Recall, Referral
from broker.handlers.desk import Desk
from broker.handlers.written import Outgoing, Work
from broker.schemas.ids import EventId, OrgId, ReferralId
from broker.schemas.sealed import SealedGroup
from broker.schemas.topics import Topics
from broker.sql.bulk import Connection, Rows, Step, write_rows
from broker.store import case_tables, tables
from broker.store.base import Row
from broker.store.shredding import look_at_once
from broker.trail import entries

LANES: Final = 64
"""Shares of the outbox that relays divide among themselves; one referral is always in one lane."""
LEASE_SECONDS: Final = 15
"""How long whoever decided a message has it alone, before a relay takes it over and asks the gate again. More than
the 8 s in which it must be confirmed and the 5 s in which its producer is given up (broker/bus/publisher.py)."""

_INBOX = ("org_id", "event_id", "digest", "received_at")
_REFERRAL = (
    "referral_id", "source", "priority", "incident_id", "consent_id", "consent_version", "policy", "victim_agreed",
    "request", "excluded", "groups", "received_at", "broken_glass",
)  # fmt: skip
_NEED = (
    "referral_id", "category", "state", "services", "offer_id", "provider", "engaged", "released",
    "feedback_consent_id", "feedback_consent_version", "due_at", "next_action", "owner", "changed_at",
    "priority", "expires_at",
)  # fmt: skip
_OFFER = (
    "offer_id", "referral_id", "category", "provider", "state", "rung", "made_at", "answer_by", "reason", "changed_at",
)  # fmt: skip
_TRAIL = ("kind", "referral_id", "salt", "preimage")
_CONSENT = ("consent_id", "version", "discloser", "subject_ref", "status", "record", "revocations", "received_at")
_USE = ("consent_id", "version", "referral_id", "category", "recipient", "used_at")
_INCIDENT = ("incident_id", "source", "reported", "floor", "medical_need", "updated_at")
_DISCLOSURE = (
    "offer_id", "field_group", "referral_id", "recipient", "consent_id", "consent_version", "policy", "key_id",
    "released_at",
)  # fmt: skip
_RECALL = ("offer_id", "referral_id", "groups", "asked_at", "due_at", "reminded", "outcome", "reason", "changed_at")
_GLASS = (
    "break_glass_id", "referral_id", "category", "source", "recipient", "groups", "reason", "basis", "invoked_by",
    "narrative_ref", "invoked_at", "expires_at", "approve_by", "review_by", "due_at", "subject_informed",
    "approved_by", "void", "overdue", "outcome", "reviewed_by",
)  # fmt: skip
_ESCALATION = ("referral_id", "category", "offer_id", "level", "owed", "due_at", "taken_at")
_CAPACITY = ("org_id", "service", "unit", "bucket", "as_of")
_QUARANTINE = (
    "topic", "partition", "record_offset", "record_time_ms", "code", "field", "org_id", "event_id", "size_bytes",
    "quarantined_at",
)  # fmt: skip
_POSITION = ("topic", "partition", "next_offset")

_SEALED = ("referral_id", "field_group", "suite", "ciphertext")
_WRAPPED = ("referral_id", "field_group", "recipient", "key_id", "wrapped")
_OUTBOX = (
    "seq", "lane", "topic", "attributes", "value", "referral_id", "category", "flow", "recipient", "phase", "subject",
    "owner", "send_after",
)  # fmt: skip
_NUMBER = """
SELECT array(SELECT nextval('outbox_seq') FROM generate_series(1, $1)) AS numbers,
    array(SELECT subject FROM outbox WHERE subject = ANY($2::text[]) AND owner <> $3) AS behind
"""
"""Numbers for so many messages, in order, and of which subjects another process has one that has not left."""
_TAKE_OVER = (
    "UPDATE outbox SET owner = $2, send_after = now() + make_interval(secs => $3) WHERE seq = ANY($1::bigint[])"
    " RETURNING seq"
)
_LET_GO = "UPDATE outbox SET send_after = now() WHERE seq = ANY($1::bigint[])"
_STOP = (
    "DELETE FROM outbox o USING unnest($1::text[], $2::text[]) AS stop(referral_id, category)"
    " WHERE o.referral_id = stop.referral_id AND o.category = stop.category"
    " AND o.phase IN ('OFFER', 'RELEASE') AND o.send_after <= now()"
    " RETURNING o.referral_id, o.recipient, o.attributes->>'type' AS type, o.attributes->>'id' AS message"
)
_FORGET = "DELETE FROM outbox WHERE seq = ANY($1::bigint[])"
_WORK_INSERT = (
    "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])"
    " ON CONFLICT (referral_id, category, reason) WHERE resolved_at IS NULL DO NOTHING"
)


class Taken(NamedTuple):
    """An event that took effect, for the inbox."""

    org: OrgId
    event_id: EventId
    digest: bytes


@dataclass(frozen=True, slots=True)
class Pointer:
    """A record that was not taken in: where it lies and why."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    code: str
    field: str | None
    org: OrgId | None
    event_id: EventId | None
    size_bytes: int


class Queued(NamedTuple):
    """A message of the outbox under its number; `direct` says that this process may send it at once."""

    seq: int
    message: Outgoing
    direct: bool


async def write(
    connection: Connection,
    desk: Desk,
    topics: Topics,
    owner: str,
    taken: Iterable[Taken] = (),
    quarantined: Iterable[Pointer] = (),
    positions: Iterable[tuple[str, int, int]] = (),
    confirmed: Sequence[int] = (),
) -> list[Queued]:
    """Write the desk down and forget messages that Kafka has confirmed; returns the new ones in order.

    Nothing here commits.
    """
    now, messages = desk.now, desk.written.outbox
    await _write_work(connection, desk.written.work, now)
    await _settle_work(connection, [*desk.written.settled, *_over(desk)], now)
    await _stop_queued(connection, desk)
    recalls = desk.touched_recalls.values()
    emergencies = [_glass(glass) for glass in desk.touched_glass.values()]
    incidents = [_incident(incident, now) for incident in desk.touched_incidents.values()]
    queued, outbox = await _number(connection, messages, topics, owner, now)
    await write_rows(
        connection,
        (
            Rows(_table(tables.InboxEntry), _INBOX, [(t.org, t.event_id, t.digest, now) for t in taken]),
            Rows(_table(tables.Quarantined), _QUARANTINE, _pointers(quarantined, now), "ignore"),
            Rows(_table(tables.Consent), _CONSENT, _consents(desk.written.consents, now), "replace"),
            Rows(_table(tables.ConsentUse), _USE, _uses(desk), "ignore"),
            Rows(_table(case_tables.Incident), _INCIDENT, incidents, "replace"),
            *_cases(desk),
            *_sealed(desk),
            Rows(_table(case_tables.Disclosure), _DISCLOSURE, _disclosed(desk), "replace"),
            Rows(_table(case_tables.RecallRow), _RECALL, [_recall(r, now) for r in recalls], "replace"),
            Rows(_table(case_tables.BreakGlassRow), _GLASS, emergencies, "replace"),
            Rows(_table(case_tables.EscalationRow), _ESCALATION, _escalations(desk), "ignore"),
            Rows(_table(tables.CapacityRow), _CAPACITY, _capacities(desk), "replace"),
            Rows(_table(tables.TrailEntry), _TRAIL, desk.written.trail),
            Rows(_table(tables.Position), _POSITION, list(positions), "replace"),
            Rows(_table(tables.OutboxMessage), _OUTBOX, outbox),
        ),
        [Step(_FORGET, (list(confirmed),))] if confirmed else [],
    )
    if desk.written.stopped:
        await look_at_once(connection, {referral for referral, _ in desk.written.stopped})
    return queued


def _cases(desk: Desk) -> list[Rows]:
    """Referrals, needs and offers: what is new is added, what was changed is replaced."""
    referral, need, offer = _table(case_tables.Referral), _table(case_tables.Need), _table(case_tables.Offer)
    return [
        Rows(referral, _REFERRAL, [_referral(r) for r in desk.new_referrals.values()]),
        Rows(need, _NEED, [_need(n) for n in desk.new_needs.values()]),
        Rows(offer, _OFFER, [_offer(o) for o in desk.new_offers.values()]),
        Rows(referral, _REFERRAL, [_referral(r) for r in desk.touched_referrals.values()], "replace"),
        Rows(need, _NEED, [_need(n) for n in desk.touched_needs.values()], "replace"),
        Rows(offer, _OFFER, [_offer(o) for o in desk.touched_offers.values()], "replace"),
    ]


def _table(row: type[Row]) -> Any:
    return row.__table__  # type: ignore[attr-defined]


def _referral(r: Referral) -> tuple[object, ...]:
    consent = r.consent
    return (
        r.referral_id, r.source, r.priority, r.incident_id,
        consent.consent_id if consent else None, consent.version if consent else None,
        r.policy, r.victim_agreed, r.request_text, _listed(r.excluded), _listed(r.groups), r.received_at,
        r.broken_glass,
    )  # fmt: skip


def _listed(codes: Iterable[str]) -> str:
    """A JSON list of codes and ids, none of which needs escaping."""
    listed = '", "'.join(sorted(codes))
    return f'["{listed}"]' if listed else "[]"


def _need(n: Need) -> tuple[object, ...]:
    feedback = n.feedback_consent
    return (
        n.referral_id, n.category, n.state, _listed(n.services), n.offer_id, n.provider,
        n.engaged, n.released, feedback.consent_id if feedback else None, feedback.version if feedback else None,
        n.due_at, n.next_action, n.owner, n.changed_at, n.priority, n.expires_at,
    )  # fmt: skip


def _offer(o: Offer) -> tuple[object, ...]:
    return (
        o.offer_id, o.referral_id, o.category, o.provider, o.state, o.rung,
        o.made_at, o.answer_by, o.reason, o.changed_at,
    )  # fmt: skip


def _incident(i: Incident, now: datetime) -> tuple[object, ...]:
    return (i.incident_id, i.source, i.reported, i.floor, i.medical_need, now)


def _consents(versions: Iterable[ConsentVersion], now: datetime) -> list[tuple[object, ...]]:
    """The last word on each version: a batch may grant and revoke the same one."""
    last = {(version.consent_id, version.version): version for version in versions}
    return [
        (
            v.consent_id,
            v.version,
            v.discloser,
            None if v.record is None else v.record.subject.subject_ref,
            v.status,
            v.text,
            to_json(v.revocations).decode() if v.revocations else "[]",
            now,
        )
        for v in last.values()
    ]


def _uses(desk: Desk) -> list[tuple[object, ...]]:
    return [(*ref, *use, desk.now) for ref, use in desk.written.uses]


def _pointers(quarantined: Iterable[Pointer], now: datetime) -> list[tuple[object, ...]]:
    return [
        (p.topic, p.partition, p.offset, p.time_ms, p.code, p.field, p.org, p.event_id, p.size_bytes, now)
        for p in quarantined
    ]


def _capacities(desk: Desk) -> list[tuple[object, ...]]:
    last = {
        (org, service, unit): (org, service, unit, count.bucket, count.as_of)
        for org, service, unit, count in desk.written.capacity
    }
    return list(last.values())


def _sealed(desk: Desk) -> list[Rows]:
    """Ciphertexts and wrapped keys, in tables of their own; a key that was wrapped anew replaces the older one."""
    groups: dict[tuple[str, str], tuple[object, ...]] = {}
    wraps: dict[tuple[str, str, str], tuple[object, ...]] = {}
    for referral_id, part in desk.written.sealed:
        if isinstance(part, SealedGroup):
            groups[(referral_id, part.field_group)] = (referral_id, part.field_group, part.suite, part.ciphertext)
        else:
            key = (referral_id, part.field_group, part.recipient)
            wraps[key] = (*key, part.key_id, part.wrapped)
    return [
        Rows(_table(case_tables.SealedGroupRow), _SEALED, list(groups.values())),
        Rows(_table(case_tables.WrappedKeyRow), _WRAPPED, list(wraps.values()), "replace"),
    ]


def _disclosed(desk: Desk) -> list[tuple[object, ...]]:
    last = {(one.offer_id, one.group): one for one in desk.written.disclosed}
    return [
        (
            one.offer_id, one.group, one.referral_id, one.recipient,
            one.consent.consent_id if one.consent else None, one.consent.version if one.consent else None,
            one.policy, one.key_id, desk.now,
        )
        for one in last.values()
    ]  # fmt: skip


def _recall(r: Recall, now: datetime) -> tuple[object, ...]:
    return (r.offer_id, r.referral_id, _listed(r.groups), r.asked_at, r.due_at, r.reminded, r.outcome, r.reason, now)


def _escalations(desk: Desk) -> list[tuple[object, ...]]:
    return [(*taken, due_at, desk.now) for taken, due_at in desk.written.escalations]


def _glass(g: BreakGlass) -> tuple[object, ...]:
    return (
        g.break_glass_id, g.referral_id, g.category, g.source, g.recipient, _listed(g.groups), g.reason, g.basis,
        g.invoked_by, g.narrative_ref, g.invoked_at, g.expires_at, g.approve_by, g.review_by, g.due_at,
        g.subject_informed, g.approved_by, g.void, g.overdue, g.outcome, g.reviewed_by,
    )  # fmt: skip


def _over(desk: Desk) -> list[tuple[str, str, str]]:
    """What waited for a human about needs that have ended, however they did."""
    return [
        (need.referral_id, need.category, reason)
        for need in (*desk.new_needs.values(), *desk.touched_needs.values())
        for reason in SETTLED_AT.get(need.state, ())
    ]


async def _settle_work(connection: Connection, settled: Sequence[tuple[str, str, str]], now: datetime) -> None:
    if settled:
        await connection.execute(
            "UPDATE work_item w SET resolved_at = $4 FROM unnest($1::text[], $2::text[], $3::text[])"
            " AS s(referral_id, category, reason) WHERE w.referral_id = s.referral_id AND w.category = s.category"
            " AND w.reason = s.reason AND w.resolved_at IS NULL",
            *zip(*settled, strict=True),
            now,
        )


async def _write_work(connection: Connection, items: Sequence[Work], now: datetime) -> None:
    if items:
        rows = [(str(uuid4()), w.referral_id, w.category, w.reason, w.owner, w.priority, now) for w in items]
        await connection.execute(_WORK_INSERT, *zip(*rows, strict=True))


async def _stop_queued(connection: Connection, desk: Desk) -> None:
    """Take back what was decided under a basis that is gone and has not left yet (domain.md §4.4), and say so.

    What a process is sending at this moment counts as delivered; what waits for a relay never leaves.
    """
    if not desk.written.stopped:
        return
    never_left = await connection.fetch(_STOP, *zip(*desk.written.stopped, strict=True))
    with desk.event(None, desk.broker_org):
        for row in never_left:
            told = {"recipient": row["recipient"], "type": row["type"], "message": row["message"]}
            desk.record(entries.Step.SEND_STOPPED, ReferralId(row["referral_id"]), told)


async def _number(
    connection: Connection, messages: Sequence[Outgoing], topics: Topics, owner: str, now: datetime
) -> tuple[list[Queued], list[tuple[object, ...]]]:
    """The messages under their numbers, and their rows.

    Behind an unsent one of another process, of the same subject, one waits for the relay, so that order holds; else
    whoever queues it has it alone for a while.
    """
    if not messages:
        return [], []
    subjects = list({m.envelope.subject for m in messages})
    found = await connection.fetchrow(_NUMBER, len(messages), subjects, owner)
    assert found is not None
    behind, alone_until = frozenset(found["behind"]), now + timedelta(seconds=LEASE_SECONDS)
    queued: list[Queued] = []
    rows: list[tuple[object, ...]] = []
    for seq, m in zip(found["numbers"], messages, strict=True):
        subject = m.envelope.subject
        direct = subject not in behind
        queued.append(Queued(seq, m, direct))
        rows.append((
            seq, crc32(subject.encode()) % LANES, topics.name(m.flow, m.recipient), orjson.dumps(m.attributes).decode(),
            m.value, m.referral_id, m.category, m.flow, m.recipient, m.permit.phase, subject,
            owner, alone_until if direct else now,
        ))  # fmt: skip
    return queued, rows


async def forget_sent(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete outbox messages that Kafka has confirmed."""
    if numbers:
        await connection.execute(_FORGET, list(numbers))


async def take_over(connection: Connection, numbers: Sequence[int], owner: str) -> set[int]:
    """Give `owner` these messages alone, for as long as whoever decided them had; returns those still there."""
    rows = await connection.fetch(_TAKE_OVER, list(numbers), owner, LEASE_SECONDS)
    return {row["seq"] for row in rows}


async def let_go(connection: Connection, numbers: Sequence[int]) -> None:
    """Leave messages that nobody is sending to the next relay."""
    if numbers:
        await connection.execute(_LET_GO, list(numbers))
