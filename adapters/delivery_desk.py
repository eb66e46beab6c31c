"""What people see of deliveries and do to them: each act in a role and with a reason, written down for good.

Sent again is the same message under the same id, on the same row, and only what the zone's gate lets through at that
moment; the claim asks it once more. Stopped is stopped: nobody tries it again by itself.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from adapters.channels import Transports, channels_of
from adapters.claiming import FACTS, facts_of
from adapters.course import ENDED, begun
from adapters.delivery_rows import Row, said_of
from adapters.errors import DeliveryNotFound, NotStopped, ReplayRefused
from adapters.handing_on import plan_for
from adapters.passing import EXPLAINED, Stop, stopped
from adapters.provider import Provider
from adapters.reminding import reminder_of, ways_of
from adapters.rows import ANSWER, answer_row
from adapters.tables import Answer, table
from broker import limits
from broker.schemas.delivery_failed import DeliveryFailed, DeliveryFailure
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.vocabulary import DeliveryState, MsgStatus
from broker.sql.bulk import Connection, Pool, insert


class ReplayReason(StrEnum):
    """Why somebody has a message sent again."""

    RECEIVER_REPAIRED = "RECEIVER_REPAIRED"
    RECEIVER_LOST_IT = "RECEIVER_LOST_IT"
    CHANNEL_CHANGED = "CHANNEL_CHANGED"
    OUR_ERROR = "OUR_ERROR"


class StopReason(StrEnum):
    """Why somebody has the trying stopped."""

    TOLD_BY_PHONE = "TOLD_BY_PHONE"
    RECEIVER_ASKED = "RECEIVER_ASKED"
    WRONG_RECIPIENT = "WRONG_RECIPIENT"
    OUR_ERROR = "OUR_ERROR"


FORGOTTEN: Final = "DEAD_LETTER_FORGOTTEN"
"""By which code a person is refused who asks for a dead letter when its time is over."""
STOPPED_BY_PERSON: Final = "STOPPED_BY_PERSON"

_FAILURES: Final[Mapping[StopReason, DeliveryFailure]] = {
    StopReason.RECEIVER_ASKED: DeliveryFailure.REFUSED,
    StopReason.WRONG_RECIPIENT: DeliveryFailure.NO_WAY,
    StopReason.OUR_ERROR: DeliveryFailure.NO_WAY,
}
"""What the broker is told of a stop. What was told by telephone has come to somebody there, and has not failed."""

_SEEN: Final = (
    "SELECT d.*, o.reference, c.transport, clock_timestamp() AS now FROM delivery d"
    " JOIN offer o USING (org_id, offer_id) LEFT JOIN channel c ON c.org_id = d.org_id AND c.place = d.place"
    " WHERE d.org_id = $1"
)
_LISTED: Final = f"{_SEEN} AND ($2::text[] IS NULL OR d.state = ANY($2::text[])) ORDER BY d.delivery_id DESC LIMIT $3"
_OVER: Final = f"(d.state <> 'DELIVERED' AND d.ended_at <= clock_timestamp() - interval '{limits.dead_letter_hours} h')"
_FORGOTTEN: Final = (
    f"It ended without arriving more than {limits.dead_letter_hours} hours ago, and nothing of it is kept to be sent."
)
_LOCKED: Final = (
    f"SELECT d.*, {_OVER} AS forgotten FROM delivery d"  # noqa: S608  a constant
    " WHERE org_id = $1 AND delivery_id = $2 FOR UPDATE"
)
_REPLAYABLE: Final = (
    "SELECT d.delivery_id FROM delivery d WHERE d.org_id = $1 AND d.state = 'DEAD_LETTERED'"  # noqa: S608  a constant
    f" AND d.delivery_id > $2 AND d.delivery_id <= $3 AND NOT {_OVER} ORDER BY d.delivery_id LIMIT $4"
)
_DEAD: Final = (
    f"SELECT count(*) FILTER (WHERE NOT {_OVER}) AS dead, count(*) FILTER (WHERE {_OVER}) AS forgotten,"  # noqa: S608
    " coalesce(max(d.delivery_id), 0) AS last FROM delivery d WHERE d.org_id = $1 AND d.state = 'DEAD_LETTERED'"
)
_NUMBER: Final = "SELECT count(*) FROM delivery WHERE org_id = $1 AND ($2::text[] IS NULL OR state = ANY($2::text[]))"
_OFFER_LOCKED: Final = "SELECT 1 FROM offer WHERE org_id = $1 AND offer_id = $2 FOR SHARE"
_AGAIN: Final = (
    "UPDATE delivery SET state = 'QUEUED', place = $2, tries = 0, due_at = clock_timestamp(), divert_at = $3,"
    " stop_at = $4, leased_until = NULL, ended_at = NULL, code = NULL, owner = org_id WHERE delivery_id = $1"
)
_STOPPED: Final = (
    "UPDATE delivery SET state = 'SUPPRESSED', due_at = NULL, divert_at = NULL, leased_until = NULL,"
    " ended_at = clock_timestamp(), code = $2, receipt_due = receipt_due AND NOT $3 WHERE delivery_id = $1"
)
_ACT: Final = (
    "INSERT INTO delivery_act (delivery_id, act, reason, by, before, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One delivery with every attempt and act."""

    delivery: Row
    attempts: Sequence[Row]
    acts: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Dead:
    """What could not be handed over: how many can be sent again, for how many that time is over, and the last one."""

    dead: int
    forgotten: int
    last: int


@dataclass(frozen=True, slots=True)
class DeliveryDesk:
    """One organisation's deliveries, for its people. There is no call that names another's."""

    pool: Pool
    provider: Provider
    transports: Transports
    environment: MsgStatus

    async def deliveries(self, states: Sequence[DeliveryState] | None = None) -> Sequence[Row]:
        """The latest, in these states or in any."""
        names = [state.value for state in states] if states is not None else None
        found: Sequence[Row] = await self.pool.fetch(_LISTED, self.provider.org, names, limits.delivery_listed_max)
        return found

    async def number(self, states: Sequence[DeliveryState] | None = None) -> int:
        """How many there are in these states or in any, however many are listed."""
        names = [state.value for state in states] if states is not None else None
        found: int = await self.pool.fetchval(_NUMBER, self.provider.org, names)
        return found

    async def dead(self) -> Dead:
        """What could not be handed over, in numbers."""
        found = await self.pool.fetchrow(_DEAD, self.provider.org)
        assert found is not None
        return Dead(**dict(found))

    async def dead_letters(self, last: int) -> AsyncIterator[Sequence[int]]:
        """The numbers of what can be sent again, up to the `last`, in portions, each read when it is asked for."""
        after = 0
        while True:
            found = await self.pool.fetch(_REPLAYABLE, self.provider.org, after, last, limits.delivery_listed_max)
            if not found:
                return
            yield [row["delivery_id"] for row in found]
            after = found[-1]["delivery_id"]

    async def show(self, delivery_id: int) -> Shown:
        """One delivery.

        Raises:
            DeliveryNotFound: also for another organisation's.
        """
        delivery = await self.pool.fetchrow(f"{_SEEN} AND d.delivery_id = $2", self.provider.org, delivery_id)
        if delivery is None:
            raise DeliveryNotFound
        attempts = await self.pool.fetch(
            "SELECT * FROM attempt WHERE delivery_id = $1 ORDER BY number, began_at", delivery_id
        )
        acts = await self.pool.fetch("SELECT * FROM delivery_act WHERE delivery_id = $1 ORDER BY act_id", delivery_id)
        return Shown(delivery, attempts, acts)

    async def replay(self, delivery_id: int, reason: ReplayReason, by: AcceptedBy, *, dry_run: bool = False) -> None:
        """Send an ended delivery again, from the first channel on; with `dry_run` only say whether that may be.

        Raises:
            DeliveryNotFound: also for another organisation's.
            ReplayRefused: it has not ended, nothing would carry it, or the gate says no, and why.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            row = await self._locked(connection, delivery_id)
            if DeliveryState(row["state"]) not in ENDED:
                raise ReplayRefused("It is still being tried; there is nothing to send again.")
            if row["forgotten"]:
                raise ReplayRefused(f"{_FORGOTTEN} ({FORGOTTEN})")
            await connection.execute(_OFFER_LOCKED, self.provider.org, row["offer_id"])
            [facts] = await connection.fetch(FACTS, [delivery_id])
            stop_at = _stop_at(facts)
            stop = stopped(replace(facts_of(facts), stop_at=stop_at), facts["now"])
            if stop is not None:
                raise ReplayRefused(f"{EXPLAINED[stop]} ({stop.value})")
            channels = await channels_of(connection, [self.provider.org], self.transports)
            ways = ways_of(channels.get(self.provider.org, ()), row["type"], reminder_of(row))
            if all(way.paused for way in ways):
                raise ReplayRefused("No channel that would carry it is in use: see `handoff channel list`.")
            if dry_run:
                return
            course = begun(ways, plan_for(row["type"], row["priority"]), facts["now"], stop_at)
            await connection.execute(_AGAIN, delivery_id, course.place, course.divert_at, stop_at)
            await connection.execute(_ACT, delivery_id, "REPLAY", reason.value, by.value, row["state"])

    async def stop(self, delivery_id: int, reason: StopReason, by: AcceptedBy) -> None:
        """Try it no more, and tell the broker, which goes on at once. What is under way now may still arrive.

        Raises:
            DeliveryNotFound: also for another organisation's.
            NotStopped: it has ended already.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            row = await self._locked(connection, delivery_id)
            if DeliveryState(row["state"]) in ENDED:
                raise NotStopped
            await connection.execute(_OFFER_LOCKED, self.provider.org, row["offer_id"])
            [facts] = await connection.fetch(FACTS, [delivery_id])
            told = _told_of_stop(facts, reason)
            receipted = isinstance(told, OfferReceipted)
            await connection.execute(_STOPPED, delivery_id, STOPPED_BY_PERSON, receipted)
            await connection.execute(_ACT, delivery_id, "STOP", reason.value, by.value, row["state"])
            if told is not None:
                answer = answer_row(said_of(row, told, self.environment, facts["now"]), facts["now"])
                await insert(connection, table(Answer), ANSWER, [answer])

    async def _locked(self, connection: Connection, delivery_id: int) -> Row:
        row = await connection.fetchrow(_LOCKED, self.provider.org, delivery_id)
        if row is None:
            raise DeliveryNotFound
        found: Row = row
        return found


def _told_of_stop(facts: Row, reason: StopReason) -> EventData | None:
    """What the broker is told: that this never comes, or that somebody has the offer; nothing where nothing is owed."""
    why, offer_id = stopped(facts_of(facts), facts["now"]), OfferId(facts["offer_id"])
    if facts["type"] == OfferReminded.TYPE or why not in (None, Stop.TOO_LATE):
        return None
    failure = _FAILURES.get(reason)
    if failure is not None:
        return DeliveryFailed(offer_id=offer_id, code=failure if why is None else DeliveryFailure.TOO_LATE)
    seen = facts["type"] == OfferMade.TYPE and facts["receipt_due"] and why is None
    return OfferReceipted(offer_id=offer_id) if seen else None


def _stop_at(facts: Row) -> datetime:
    """Until when it is tried this time: an offer and its reminders as they said, the rest as if it had just come."""
    if facts["type"] in (OfferMade.TYPE, OfferReminded.TYPE):
        return facts["stop_at"]  # type: ignore[no-any-return]
    control = facts["now"] + timedelta(hours=limits.control_delivery_hours)
    if facts["type"] == DisclosureReleased.TYPE and facts["expires_at"] is not None:
        return min(facts["expires_at"], control)  # type: ignore[no-any-return]
    return control  # type: ignore[no-any-return]
