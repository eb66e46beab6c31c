"""The provider's file as rows: loaded and locked as a transaction begins, written at its end in few statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic_core import to_json

from adapters import tables
from adapters.file import AnswerOnFile, File, OfferKey, OfferOnFile, Prepared
from adapters.reading import Reading
from adapters.recall_rows import load_recalls, take_back
from adapters.released_rows import destroy, save_keyed, save_released
from adapters.standing import Standing
from adapters.tables import table
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.reference import reference_of
from broker.sql.bulk import Connection, insert

Place = tuple[str, int]

_ABOUT_OFFERS = (
    *(OfferMade, OfferReminded, OfferWithdrawn, OfferExpired),
    *(DisclosureReleased, DisclosureKeyed, DisclosureRevoked),
)

_OFFER = (
    "org_id", "offer_id", "referral_id", "reference", "standing", "category", "priority", "answer_by", "content",
    "refusal", "received_at", "changed_at", "reminded_at",
)  # fmt: skip
ANSWER: Final = (
    "event_id", "org_id", "subject", "offer_id", "type", "before", "after", "attributes", "value", "made_at",
)  # fmt: skip
_ASIDE = (
    "topic", "partition", "record_offset", "record_time_ms", "org_id", "code", "event_id", "set_aside_at",
)  # fmt: skip

_POSITIONS: Final = (
    "SELECT topic, partition, next_offset FROM position"
    " JOIN unnest($1::text[], $2::integer[]) AS w(topic, partition) USING (topic, partition) ORDER BY topic, partition"
)
_POSITIONS_LOCKED: Final = f"{_POSITIONS} FOR UPDATE OF position"
_OFFERS_LOCKED: Final = (
    "SELECT o.* FROM offer o JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " ORDER BY org_id, offer_id FOR UPDATE OF o"
)


def places(readings: Iterable[Reading]) -> list[Place]:
    """The partitions of a batch, in one order for every process."""
    return sorted({(reading.record.topic, reading.record.partition) for reading in readings})


async def positions(connection: Connection, wanted: Sequence[Place], *, lock: bool = False) -> dict[Place, int]:
    """Up to where each partition was taken in; locked, a second reader of a partition waits here."""
    found = await connection.fetch(
        _POSITIONS_LOCKED if lock else _POSITIONS,
        [topic for topic, _ in wanted],
        [partition for _, partition in wanted],
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in found}


async def advance(connection: Connection, readings: Iterable[Reading], stored: Mapping[Place, int]) -> None:
    """Write down up to where the batch's partitions are taken in now."""
    ends = dict(stored)
    for reading in readings:
        place = (reading.record.topic, reading.record.partition)
        ends[place] = max(ends.get(place, 0), reading.record.offset + 1)
    written = [(topic, partition, offset) for (topic, partition), offset in ends.items()]
    await insert(connection, table(tables.Position), ("topic", "partition", "next_offset"), written, "replace")


async def load(connection: Connection, file: File, readings: Sequence[Reading]) -> None:
    """Lay on the file what the batch touches: events known already, the answers spoken of, the offers (locked)."""
    heard = [
        (reading.provider.org, reading.envelope.id, reading.fact)
        for reading in readings
        if reading.code is None and reading.provider is not None and reading.envelope is not None
    ]
    known = await connection.fetch(
        "SELECT org_id, event_id FROM received"
        " JOIN unnest($1::text[], $2::text[]) AS w(org_id, event_id) USING (org_id, event_id)",
        [org for org, _, _ in heard],
        [event_id for _, event_id, _ in heard],
    )
    file.known = {(row["org_id"], row["event_id"]) for row in known}
    refused = [(org, f.event_id) for org, _, f in heard if isinstance(f, EventRefused) and f.event_id is not None]
    offers: set[OfferKey] = {(org, fact.offer_id) for org, _, fact in heard if isinstance(fact, _ABOUT_OFFERS)}
    if refused:
        await _load_answers(connection, file, refused)
        offers |= {(a.org_id, a.offer_id) for a in file.answers.values() if a.offer_id is not None}
    await lock_offers(connection, file, offers)
    revoked = {(org, fact.offer_id) for org, _, fact in heard if isinstance(fact, DisclosureRevoked)}
    if revoked:
        await load_recalls(connection, file, revoked)


async def _load_answers(connection: Connection, file: File, wanted: Sequence[tuple[OrgId, EventId]]) -> None:
    found = await connection.fetch(
        "SELECT org_id, event_id, offer_id, before, after FROM answer"
        " JOIN unnest($1::text[], $2::text[]) AS w(org_id, event_id) USING (org_id, event_id)",
        [org for org, _ in wanted],
        [event_id for _, event_id in wanted],
    )
    for row in found:
        file.answers[(row["org_id"], row["event_id"])] = AnswerOnFile(
            org_id=row["org_id"],
            event_id=row["event_id"],
            offer_id=row["offer_id"],
            before=Standing(row["before"]) if row["before"] else None,
            after=Standing(row["after"]) if row["after"] else None,
        )


async def lock_offers(connection: Connection, file: File, wanted: Iterable[OfferKey]) -> None:
    """Lay these offers on the file, locked in one order until the transaction ends."""
    keys = sorted(wanted)
    found = await connection.fetch(_OFFERS_LOCKED, [org for org, _ in keys], [offer for _, offer in keys])
    for row in found:
        offer = OfferOnFile(
            org_id=OrgId(row["org_id"]),
            offer_id=OfferId(row["offer_id"]),
            referral_id=ReferralId(row["referral_id"]),
            standing=Standing(row["standing"]),
            received_at=row["received_at"],
            changed_at=row["changed_at"],
            category=row["category"],
            priority=row["priority"],
            answer_by=row["answer_by"],
            content=row["content"],
            refusal=row["refusal"],
            reminded_at=row["reminded_at"],
        )
        file.offers[(offer.org_id, offer.offer_id)] = offer


async def save(
    connection: Connection, file: File, taken: Iterable[Reading], aside: Iterable[tuple[Reading, str]]
) -> None:
    """Write the file down. Nothing here commits."""
    now = file.now
    received = [(r.provider.org, r.envelope.id, now) for r in taken if r.provider and r.envelope]
    await insert(connection, table(tables.ReceivedEvent), ("org_id", "event_id", "received_at"), received)
    await insert(connection, table(tables.SetAside), _ASIDE, [_aside(r, code, now) for r, code in aside], "ignore")
    await save_offers(connection, file)
    await add_answers(connection, file.receipts, now)
    await save_released(connection, file)
    await save_keyed(connection, file)
    await _save_refusals(connection, file)
    await destroy(connection, file)
    await take_back(connection, file)


async def save_offers(connection: Connection, file: File) -> None:
    """Write the offers that changed."""
    await insert(connection, table(tables.Offer), _OFFER, map(_offer, file.changed.values()), "replace")


async def add_answers(connection: Connection, answers: Iterable[Prepared], now: datetime) -> None:
    """Put events of ours into the outbox, in order."""
    await insert(connection, table(tables.Answer), ANSWER, [answer_row(answer, now) for answer in answers])


def _offer(o: OfferOnFile) -> tuple[object, ...]:
    return (
        o.org_id, o.offer_id, o.referral_id, reference_of(o.referral_id), o.standing.value, o.category, o.priority,
        o.answer_by, o.content, o.refusal, o.received_at, o.changed_at,
        o.reminded_at,
    )  # fmt: skip


def answer_row(a: Prepared, now: datetime) -> tuple[object, ...]:
    """An event of ours as a row of the outbox, in the order of `ANSWER`."""
    before = a.before.value if a.before else None
    after = a.after.value if a.after else None
    attributes = to_json(a.envelope.attributes()).decode()
    e = a.envelope
    return (e.id, e.org, e.subject, a.offer_id, e.type, before, after, attributes, a.fact.wire(), now)


def _aside(reading: Reading, code: str, now: datetime) -> tuple[object, ...]:
    record = reading.record
    org = reading.provider.org if reading.provider is not None else ""
    event_id = reading.envelope.id if reading.envelope is not None else None
    return (record.topic, record.partition, record.offset, record.timestamp, org, code, event_id, now)


async def _save_refusals(connection: Connection, file: File) -> None:
    refused = [(a.org_id, a.event_id, a.refusal, a.refused_field) for a in file.refused.values()]
    if refused:
        await connection.execute(
            "UPDATE answer a SET refusal = w.refusal, refused_field = w.field"
            " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w(org_id, event_id, refusal, field)"
            " WHERE a.org_id = w.org_id AND a.event_id = w.event_id",
            *zip(*refused, strict=True),
        )
