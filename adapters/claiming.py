"""Claims what is due, with a lease, and asks the zone's gate in the same transaction under a lock on the offers.

Any number of couriers may claim at once. What the gate stops, and what has no way left, ends here and is written down.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.channels import Registry, channels_of
from adapters.course import Course, claimed
from adapters.delivery_rows import AttemptRow, Change, Ledger, Row, course_of
from adapters.handing_on import plan_for
from adapters.passing import RULES, Facts, Stop, stopped
from adapters.reminding import reminder_of, ways_of
from adapters.standing import Standing
from adapters.transports.transport import Channel
from adapters.ways import KeptChannel, Way
from broker import limits
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import OfferId, OrgId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeliveryState
from broker.sql.bulk import Connection, Pool

LEASE_EXPIRED: Final = "LEASE_EXPIRED"
UNKNOWN: Final = "UNKNOWN"
SUPPRESSED: Final = "SUPPRESSED"

_DUE: Final = (
    "SELECT d.delivery_id, d.org_id, d.offer_id FROM unnest($1::text[], $2::integer[]) AS w(org_id, room)"
    " CROSS JOIN LATERAL (SELECT e.delivery_id, e.org_id, e.offer_id FROM delivery e WHERE e.org_id = w.org_id"
    " AND e.due_at <= statement_timestamp() AND NOT EXISTS (SELECT 1 FROM delivery b WHERE b.org_id = e.org_id"
    " AND b.offer_id = e.offer_id AND b.delivery_id < e.delivery_id AND b.state = 'ATTEMPTED'"
    " AND b.due_at > statement_timestamp())"
    " ORDER BY e.priority, e.due_at LIMIT w.room FOR UPDATE OF e SKIP LOCKED) d LIMIT $3"
)
"""Of one offer, nothing overtakes what is being attempted: its end must not arrive before its beginning."""

_OFFERS_LOCKED: Final = (
    "SELECT 1 FROM offer o JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " ORDER BY o.org_id, o.offer_id FOR SHARE OF o"
)
FACTS: Final = (
    "SELECT d.*, o.standing, o.reference, o.answer_by, o.content, r.expires_at, r.consent_id, r.consent_version,"
    " r.redisclosure_prohibited,"
    " EXISTS (SELECT 1 FROM sealed_part s WHERE s.org_id = d.org_id AND s.offer_id = d.offer_id"
    " AND s.release_id = d.message_id) AS held, clock_timestamp() AS now"
    " FROM delivery d JOIN offer o USING (org_id, offer_id) LEFT JOIN disclosure r USING (org_id, offer_id)"
    " WHERE d.delivery_id = ANY($1::bigint[]) ORDER BY d.delivery_id"
)
"""Read in a statement of its own after the locks, because one that waits for a lock goes on with what it saw before."""

_PROBES: Final = (
    "UPDATE channel c SET probe_at = clock_timestamp() + make_interval(secs => $3)"
    " FROM unnest($1::text[], $2::integer[]) AS w(org_id, place)"
    " WHERE c.org_id = w.org_id AND c.place = w.place AND c.probe_at <= clock_timestamp()"
    " RETURNING c.org_id, c.place"
)
"""Whoever moves the moment may make the one probe of this minute."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that may be made now, with what the zone knew of it when its gate let it through."""

    row: Row
    course: Course
    channel: Channel
    kept: KeptChannel
    lease_ends: float
    """By this process's own clock (`loop.time()`), and rather too early."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What came of one look: what is to be attempted, how many were due, how many events of ours wait to be sent."""

    claims: Sequence[Claim] = ()
    due: int = 0
    told: int = 0


@dataclass(frozen=True, slots=True)
class Claimer:
    """Claims for the organisations whose channels it can use."""

    pool: Pool
    registry: Registry
    ledger: Ledger

    async def claim(self, room: Mapping[OrgId, int], count: int) -> Claimed:
        """Claim what is due, at most `count`, and for each organisation at most its room.

        Only when this has returned is it committed, and only then may anything be sent.
        """
        lease_ends = asyncio.get_running_loop().time() + limits.lease_seconds
        async with self.pool.acquire() as connection, connection.transaction():
            found = await connection.fetch(_DUE, list(room), list(room.values()), count)
            if not found:
                return Claimed()
            offers = sorted({(OrgId(row["org_id"]), OfferId(row["offer_id"])) for row in found})
            await connection.execute(_OFFERS_LOCKED, [org for org, _ in offers], [offer for _, offer in offers])
            rows = await connection.fetch(FACTS, [row["delivery_id"] for row in found])
            channels = await channels_of(connection, {org for org, _ in offers}, self.registry.transports)
            now = rows[0]["now"]
            probing = await _probes(connection, channels, now)
            if open_of := {org for org, several in channels.items() if any(one.probe_at for one in several)}:
                # What is put off behind a breaker is seen by whoever closes it: either waits for the other.
                channels |= await channels_of(connection, open_of, self.registry.transports, held=True)
            choice = _Choice(self.registry, channels, probing, lease_ends)
            for row in rows:
                choice.decide(row)
            told = await self.ledger.write(connection, choice.changes, choice.attempts, now)
        return Claimed(choice.claims, len(found), told)


async def _probes(
    connection: Connection, channels: Mapping[OrgId, Sequence[KeptChannel]], now: datetime
) -> set[tuple[OrgId, int]]:
    """The channels whose breaker is open, that may be probed, and that this transaction probes."""
    ripe = sorted(
        (one.org, one.place)
        for several in channels.values()
        for one in several
        if one.probe_at is not None and one.probe_at <= now
    )
    if not ripe:
        return set()
    places = ([org for org, _ in ripe], [place for _, place in ripe])
    won = await connection.fetch(_PROBES, *places, limits.channel_probe_seconds)
    return {(OrgId(row["org_id"]), row["place"]) for row in won}


class _Choice:
    """What becomes of each delivery of a claim."""

    def __init__(
        self,
        registry: Registry,
        channels: Mapping[OrgId, Sequence[KeptChannel]],
        probing: set[tuple[OrgId, int]],
        lease_ends: float,
    ) -> None:
        self._channels = channels
        self._kept = {(one.org, one.place): one for several in channels.values() for one in several}
        self._probing = probing
        self._lease_ends = lease_ends
        self._usable = {place: registry.channel(one) for place, one in self._kept.items()}
        self.claims: list[Claim] = []
        self.changes: list[Change] = []
        self.attempts: list[AttemptRow] = []

    def decide(self, row: Row) -> None:
        """Take one delivery on, or not; either way what becomes of it is written."""
        now, org, before = row["now"], OrgId(row["org_id"]), course_of(row)
        if before.state is DeliveryState.ATTEMPTED:
            self.attempts.append(self._unstored(row, before))
        stop = stopped(facts_of(row), now)
        probing = frozenset(place for one, place in self._probing if one == org)
        plan = plan_for(row["type"], row["priority"])
        course = claimed(before, self._ways(org, row), plan, stop, now, probing)
        self.changes.append(Change(row, course))
        if stop is not None:
            self.attempts.append(self._stopped(row, course, stop))
        if course.state is DeliveryState.ATTEMPTED:
            self._probing.discard((org, course.place))
            channel = self._usable[(org, course.place)]
            assert channel is not None, "what cannot be used counts as paused"
            self.claims.append(Claim(row, course, channel, self._kept[(org, course.place)], self._lease_ends))

    def _ways(self, org: OrgId, row: Row) -> list[Way]:
        """The ways of an organisation; one whose settings cannot be read counts as paused."""
        ways = ways_of(self._channels.get(org, ()), row["type"], reminder_of(row))
        return [way if self._usable[(org, way.place)] is not None else Way(way.place, paused=True) for way in ways]

    def _unstored(self, row: Row, before: Course) -> AttemptRow:
        """The attempt of a courier that died, or could not store its outcome: nobody knows what came of it."""
        lasted = timedelta(seconds=limits.lease_seconds)
        began_at, milliseconds = row["leased_until"] - lasted, round(lasted.total_seconds() * 1000)
        return self._attempt(row, before, UNKNOWN, LEASE_EXPIRED, began_at, milliseconds)

    def _stopped(self, row: Row, course: Course, stop: Stop) -> AttemptRow:
        return self._attempt(row, course, SUPPRESSED, stop.value, row["now"], 0)

    def _attempt(
        self, row: Row, course: Course, outcome: str, code: str, began_at: datetime, milliseconds: int
    ) -> AttemptRow:
        channel = self._kept.get((OrgId(row["org_id"]), course.place))
        consent_id, consent_version = consent_of(row)
        return AttemptRow(
            row["delivery_id"],
            course.attempts,
            channel.transport if channel is not None else "",
            course.place,
            outcome,
            code,
            began_at,
            milliseconds,
            RULES,
            consent_id,
            consent_version,
            folder=channel.folder if channel is not None else None,
        )


def consent_of(row: Row) -> tuple[str | None, int | None]:
    """The consent and its version that a release rests on, from a row of `FACTS`; nothing for what is no release."""
    released = row["type"] == DisclosureReleased.TYPE
    return (row["consent_id"], row["consent_version"]) if released else (None, None)


def facts_of(row: Row) -> Facts:
    """What the gate is asked about, from a row of `FACTS`."""
    reminder = reminder_of(row)
    return Facts(
        type=row["type"],
        standing=Standing(row["standing"]),
        has_content=row["content" if row["type"] == OfferMade.TYPE else "fact"] is not None,
        answer_by=row["answer_by"],
        stop_at=row["stop_at"],
        held=row["held"],
        release_ends=row["expires_at"],
        owed=reminder.owed if reminder is not None else None,
    )
