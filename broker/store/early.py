"""Keys that are read before the referral that they belong to wait here, as they came, and are read again with it.

A source publishes them after the request, on a topic of their own; between topics there is no order. Nobody is told of
them before they have taken effect or cannot (docs/decisions/0093).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from aiokafka import ConsumerRecord
from pydantic_core import from_json, to_json

from broker.limits import early_keys_max, early_keys_minutes
from broker.schemas.envelope import read_envelope
from broker.schemas.ids import EventId
from broker.seal import base64url
from broker.sql.bulk import Connection

Record = ConsumerRecord[bytes, bytes]

_KEEP: Final = (
    "INSERT INTO early_keys (topic, partition, record_offset, record_time_ms, referral_id, headers, value, received_at)"
    " SELECT *, $8::timestamptz FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[],"
    " $6::jsonb[], $7::bytea[]) ON CONFLICT DO NOTHING"
)
_DUE: Final = (
    "SELECT * FROM early_keys e WHERE received_at < clock_timestamp() - make_interval(mins => $1)"
    " OR EXISTS (SELECT 1 FROM referral r WHERE r.referral_id = e.referral_id)"
    " ORDER BY received_at, topic, partition, record_offset LIMIT $2"
)
_WAITING: Final = "SELECT * FROM early_keys WHERE topic = $1 ORDER BY received_at DESC LIMIT $2"
_SETTLE: Final = (
    "DELETE FROM early_keys USING unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])"
    " AS s(topic, partition, record_offset, record_time_ms) WHERE early_keys.topic = s.topic"
    " AND early_keys.partition = s.partition AND early_keys.record_offset = s.record_offset"
    " AND early_keys.record_time_ms = s.record_time_ms"
)


async def keep(connection: Connection, records: Sequence[Record], now: datetime) -> None:
    """Have them wait, in the caller's transaction. They were verified: what is signed has a value."""
    columns = zip(*(_row(record) for record in records), strict=True)
    await connection.execute(_KEEP, *map(list, columns), now)


async def due(connection: Connection) -> list[Record]:
    """Those whose referral is here by now, and those that waited long enough; the oldest first."""
    rows = await connection.fetch(_DUE, early_keys_minutes, early_keys_max)
    return [_record(row) for row in rows]


async def held(connection: Connection, topic: str, event_id: EventId) -> bool:
    """Whether the keys of this event, which came on this topic, wait."""
    rows = await connection.fetch(_WAITING, topic, early_keys_max)
    records = [_record(row) for row in rows]
    return any(read_envelope(one.key, one.headers, one.value).envelope.id == event_id for one in records)


async def settle(connection: Connection, records: Sequence[Record]) -> None:
    """They have taken effect or were refused, in the caller's transaction: they wait no longer."""
    places = [(one.topic, one.partition, one.offset, one.timestamp) for one in records]
    await connection.execute(_SETTLE, *map(list, zip(*places, strict=True)))


def _row(record: Record) -> tuple[object, ...]:
    headers = [(name, base64url.encode(text)) for name, text in record.headers if text is not None]
    subject = (record.key or b"").decode()
    place = (record.topic, record.partition, record.offset, record.timestamp)
    return (*place, subject, to_json(headers).decode(), record.value)


def _record(row: Any) -> Record:
    headers = [(name, base64url.decode(text)) for name, text in from_json(row["headers"])]
    key, value = row["referral_id"].encode(), row["value"]
    return ConsumerRecord(
        row["topic"], row["partition"], row["record_offset"], row["record_time_ms"], 0,
        key, value, None, len(key), len(value), tuple(headers),
    )  # fmt: skip
