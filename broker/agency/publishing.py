"""Each event leaves as one fixed sequence of bytes, however often it is published, and Kafka has confirmed it.

What was made once is remembered by its event id: published again under that id, the same bytes go out, or nothing
where they were confirmed before. The same id with other content is refused here, as the broker would refuse it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from broker.agency.errors import EventRefusedBeforeSending, NotConfirmed
from broker.agency.ledger import Ledger
from broker.agency.outcomes import Wanted
from broker.agency.records import Desk, Record, event_id_of, same_event
from broker.agency.remembered import Remembered
from broker.agency.sending import Place, Sender
from broker.domain.consent import ConsentRef
from broker.limits import published_remembered_max
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, new_event_id
from broker.schemas.refusal import RefusalCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Place):
    """One event that Kafka holds: what it is about, where it stands, and when that was confirmed (UTC)."""

    event_id: EventId
    subject: str

    @classmethod
    def at_place(cls, place: Place, event_id: EventId, subject: str) -> Self:
        """The event whose record stands there."""
        return cls(place.topic, place.partition, place.offset, place.at, event_id=event_id, subject=subject)


Event = EventId | Place
"""An event that was published: as `publish` returned it, by its id, or by where its record stands."""


@dataclass(slots=True)
class _Made:
    record: Record
    follower: EventId | None = None
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The attributes that the publisher chooses. Times are aware; None means now, never, or a fresh id."""

    subject: str
    consent: ConsentRef | None = None
    expires_at: datetime | None = None
    event_id: EventId | None = None
    time: datetime | None = None


class Publishing:
    """Makes, remembers and sends the events of one agency."""

    def __init__(self, desk: Desk, sender: Sender, ledger: Ledger) -> None:
        """`desk` makes the records, `ledger` notes what they share, `sender` takes them to Kafka."""
        self.desk = desk
        self._sender = sender
        self._ledger = ledger
        self._made: Remembered[EventId, _Made] = Remembered(published_remembered_max)

    def drafted(self, fact: EventData, about: About) -> Record:
        """The signed record of an event, checked as the broker will check it.

        Raises:
            EventRefusedBeforeSending: with the code that the broker would refuse it with.
        """
        now = datetime.now(UTC)
        envelope = Envelope(
            id=about.event_id or new_event_id(),
            org=self.desk.zone.org,
            type=fact.TYPE,
            subject=about.subject,
            time=about.time or now,
            msgstatus=self.desk.topics.environment,
            expirytime=about.expires_at,
            consentid=about.consent.consent_id if about.consent else None,
            consentver=about.consent.version if about.consent else None,
        )
        return self.desk.record(envelope, fact, now)

    def remember(self, record: Record, *, after: EventId | None = None) -> EventId:
        """Remember a record under its event id; `after` names the event that it must follow.

        Raises:
            EventRefusedBeforeSending: ID_REUSED, where the id was used with other content.
        """
        event_id = event_id_of(record)
        known = self._made.get(event_id)
        if known is None:
            self._made[event_id] = _Made(record)
        elif not same_event(known.record, record):
            raise EventRefusedBeforeSending(RefusalCode.ID_REUSED, "id")
        if after is not None:
            self._made[after].follower = event_id
        return event_id

    async def send(self, event_id: EventId) -> Published:
        """Send what is remembered under this id, unless Kafka has confirmed it before.

        Raises:
            NotConfirmed: it may have arrived or not; send it again.
            NotOnboarded: there is no such topic.
            KeyError: nothing is remembered under this id.
        """
        made = self._made[event_id]
        if made.published is None:
            self._ledger.note(made.record)
            try:
                place = await self._sender.send(made.record)
            except NotConfirmed:
                raise NotConfirmed(event_id) from None
            made.published = _published(event_id, made.record, place)
        return made.published

    def follower(self, event_id: EventId) -> EventId | None:
        """The event that goes out after this one; None where there is none."""
        return self._made[event_id].follower

    def looked_for(self, event: Event) -> tuple[list[Wanted], datetime | None]:
        """By what the answer to an event is known, and since when it may have come (UTC), as far as that is known."""
        match event:
            case Published():
                return [event.event_id, event.position], event.at
            case Place():
                return [event.position], event.at
        made = self._made.get(event)
        return [event], made.published.at if made is not None and made.published is not None else None

    async def send_raw(self, record: Record) -> Place:
        """Send a record unchecked, as it is.

        Raises:
            NotConfirmed, NotOnboarded: as `send`.
        """
        return await self._sender.send(record)


def _published(event_id: EventId, record: Record, place: Place) -> Published:
    return Published.at_place(place, event_id, (record.key or b"").decode())
