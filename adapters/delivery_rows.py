"""Deliveries as rows: where each stands, every attempt for good, and what the broker is told of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.course import CHANNEL_PAUSED, ENDED, NO_CHANNEL, Course
from adapters.delivery_tables import Attempt
from adapters.file import Prepared
from adapters.passing import Stop
from adapters.rows import ANSWER, answer_row
from adapters.tables import Answer, table
from broker.schemas.delivery_failed import DeliveryFailed, DeliveryFailure
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId, new_event_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.vocabulary import DeliveryState, MsgStatus
from broker.sql.bulk import Connection, Rows, Step, write_rows

_ATTEMPT = (
    "delivery_id", "number", "transport", "place", "outcome", "code", "began_at", "duration_ms", "policy",
    "consent_id", "consent_version", "folder",
)  # fmt: skip

_MOVED: Final = (
    "UPDATE delivery d SET state = w.state, place = w.place, attempts = w.attempts, tries = w.tries, due_at = w.due_at,"
    " divert_at = w.divert_at, leased_until = w.leased_until, code = w.code, owner = w.owner, ended_at = w.ended_at,"
    " receipt_due = d.receipt_due AND NOT w.receipted"
    " FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::timestamptz[],"
    " $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::timestamptz[], $12::boolean[])"
    " AS w(delivery_id, state, place, attempts, tries, due_at, divert_at, leased_until, code, owner, ended_at,"
    " receipted)"
    " WHERE d.delivery_id = w.delivery_id"
)

_FAILURES: Final[Mapping[str | None, DeliveryFailure]] = {
    CHANNEL_PAUSED: DeliveryFailure.NO_WAY,
    NO_CHANNEL: DeliveryFailure.NO_WAY,
    Stop.TOO_LATE.value: DeliveryFailure.TOO_LATE,
}
"""What the broker is told of why a delivery ended; of anything else, that the provider's system does not take it."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt, or the gate's no to one."""

    delivery_id: int
    number: int
    transport: str
    place: int
    outcome: str
    code: str
    began_at: datetime
    duration_ms: int
    policy: str | None = None
    consent_id: str | None = None
    consent_version: int | None = None
    folder: str | None = None
    """By which channel's, where one was tried."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where a delivery stands now; `pushed`: it has arrived outside of the zone (A1); `receipted`: and is seen (A2)."""

    row: Row
    course: Course
    pushed: bool = False
    receipted: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes down what becomes of deliveries, with what the broker is to be told of it."""

    environment: MsgStatus
    broker_org: OrgId

    async def write(
        self, connection: Connection, changes: Sequence[Change], attempts: Sequence[AttemptRow], now: datetime
    ) -> int:
        """Write it in one statement; returns how many events of ours wait to be sent because of it."""
        if not changes and not attempts:
            return 0
        answers = [answer_row(prepared, now) for change in changes for prepared in self._told(change, now)]
        rows = [
            Rows(table(Attempt), _ATTEMPT, [_attempt(one) for one in attempts], "ignore"),
            Rows(table(Answer), ANSWER, answers),
        ]
        moved = tuple(zip(*(self._moved(change, now) for change in changes), strict=True))
        await write_rows(connection, rows, [Step(_MOVED, moved)] if moved else [])
        return len(answers)

    def _moved(self, change: Change, now: datetime) -> tuple[object, ...]:
        course = change.course
        leased_until = course.due_at if course.state is DeliveryState.ATTEMPTED else None
        owner = self.broker_org if course.state is DeliveryState.DEAD_LETTERED else change.row["org_id"]
        return (
            change.row["delivery_id"], course.state.value, course.place, course.attempts, course.tries, course.due_at,
            course.divert_at, leased_until, course.code, owner, now if course.state in ENDED else None,
            change.receipted,
        )  # fmt: skip

    def _told(self, change: Change, now: datetime) -> Iterator[Prepared]:
        """What the broker hears of it: that an offer has arrived, or that something never will."""
        row, offer_id = change.row, OfferId(change.row["offer_id"])
        if row["type"] == OfferReminded.TYPE:
            return  # Whether the offer itself has arrived is told of its own delivery.
        if change.course.state is DeliveryState.DEAD_LETTERED:
            code = _FAILURES.get(change.course.code, DeliveryFailure.REFUSED)
            yield said_of(row, DeliveryFailed(offer_id=offer_id, code=code), self.environment, now)
        elif change.course.state is DeliveryState.DELIVERED and row["type"] == OfferMade.TYPE:
            if change.pushed:
                yield said_of(row, DeliverySucceeded(offer_id=offer_id), self.environment, now)
            if row["receipt_due"] and change.receipted:
                yield said_of(row, OfferReceipted(offer_id=offer_id), self.environment, now)


def said_of(row: Row, fact: EventData, environment: MsgStatus, now: datetime) -> Prepared:
    """What the broker is told of a delivery, named by the message that it is about."""
    offer_id = OfferId(row["offer_id"])
    envelope = Envelope(
        id=new_event_id(),
        org=OrgId(row["org_id"]),
        type=fact.TYPE,
        subject=row["referral_id"],
        time=now,
        msgstatus=environment,
        causationid=EventId(row["message_id"]),
        offerid=offer_id,
    )
    return Prepared(envelope, fact, offer_id)


def course_of(row: Row) -> Course:
    """Where a delivery stands, from its row."""
    return Course(
        state=DeliveryState(row["state"]),
        place=row["place"],
        due_at=row["due_at"],
        divert_at=row["divert_at"],
        stop_at=row["stop_at"],
        attempts=row["attempts"],
        tries=row["tries"],
        code=row["code"],
    )


def _attempt(one: AttemptRow) -> tuple[object, ...]:
    return (
        one.delivery_id, one.number, one.transport, one.place, one.outcome, one.code, one.began_at, one.duration_ms,
        one.policy, one.consent_id, one.consent_version, one.folder,
    )  # fmt: skip
