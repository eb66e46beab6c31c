"""What the store knows before a batch is worked, in one round trip: for a small batch these are most of the time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from broker.domain.matching import Capacity
from broker.schemas.ids import EventId, OrgId
from broker.schemas.vocabulary import CapacityBucket, Service
from broker.sql.bulk import Connection

Place = tuple[str, int]
"""A topic and one of its partitions."""

_BUCKET_ORDER: Final = {CapacityBucket.NONE: 0, CapacityBucket.FEW: 1, CapacityBucket.SOME: 2}


class Background(NamedTuple):
    """What is read without a lock.

    A referral's consents never change, and a referral that another process adds meanwhile collides when it is written:
    the batch is tried again. A count of places is an old one a moment later in any case.
    """

    any_referral: bool
    """Whether any of the referrals is known."""
    consents: frozenset[str]
    """The consents that the known ones stand on."""
    capacity: dict[tuple[OrgId, Service], Capacity]
    """The best count of each provider and service: one free family unit is a free place."""


class Before(NamedTuple):
    """What the store knew before a batch."""

    now: datetime
    """The database's clock, one for all processes (UTC)."""
    directory_version: int
    stored: dict[Place, int]
    """Up to where each of its partitions was taken in."""
    known: dict[tuple[OrgId, EventId], bytes]
    """The digests of those of its events that were taken in before."""
    background: Background


_BACKGROUND = """
    ARRAY(
        SELECT row(r.consent_id, n.feedback_consent_id) FROM referral r LEFT JOIN need n USING (referral_id)
        WHERE r.referral_id = ANY($1::text[])
    ) AS cited,
    ARRAY(SELECT row(org_id, service, bucket, as_of) FROM capacity) AS capacity
"""
_BEFORE = f"""
WITH locked AS (
    SELECT topic, partition, next_offset FROM position
    JOIN unnest($2::text[], $3::integer[]) AS w(topic, partition) USING (topic, partition)
    ORDER BY topic, partition FOR UPDATE OF position
)
SELECT clock_timestamp() AS now, (SELECT version FROM directory_version) AS directory_version,
    ARRAY(SELECT row(topic, partition, next_offset) FROM locked) AS stored,
    ARRAY(
        SELECT row(org_id, event_id, digest) FROM inbox
        JOIN unnest($4::text[], $5::text[]) AS w(org_id, event_id) USING (org_id, event_id)
    ) AS known,
    {_BACKGROUND}
"""  # noqa: S608  a text of ours


async def known_before(
    connection: Connection, places: Iterable[Place], events: Sequence[tuple[OrgId, EventId]], referrals: Iterable[str]
) -> Before:
    """What is known of a batch from these partitions. They are locked: a second reader of one waits here.

    An event that such a second reader took in while this one waited is not seen here; it collides when it is written,
    and the batch is tried again.
    """
    ordered = sorted(places)
    found = await connection.fetchrow(
        _BEFORE,
        list(referrals),
        [topic for topic, _ in ordered],
        [partition for _, partition in ordered],
        [org for org, _ in events],
        [event for _, event in events],
    )
    assert found is not None
    return Before(
        now=found["now"],
        directory_version=found["directory_version"],
        stored={(topic, partition): offset for topic, partition, offset in found["stored"]},
        known={(OrgId(org), EventId(event)): digest for org, event, digest in found["known"]},
        background=_background(found["cited"], found["capacity"]),
    )


async def background(connection: Connection, referrals: Iterable[str]) -> Background:
    """The same of referrals that no batch brings."""
    found = await connection.fetchrow(f"SELECT {_BACKGROUND}", list(referrals))
    assert found is not None
    return _background(found["cited"], found["capacity"])


def _background(
    cited: Sequence[tuple[str | None, str | None]], counts: Iterable[tuple[str, str, str, datetime]]
) -> Background:
    capacity: dict[tuple[OrgId, Service], Capacity] = {}
    for org, service, bucket, as_of in counts:
        key, count = (OrgId(org), Service(service)), Capacity(CapacityBucket(bucket), as_of)
        best = capacity.get(key)
        if best is None or _BUCKET_ORDER[count.bucket] > _BUCKET_ORDER[best.bucket]:
            capacity[key] = count
    consents = frozenset(consent for row in cited for consent in row if consent is not None)
    return Background(bool(cited), consents, capacity)
