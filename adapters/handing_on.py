"""What the zone takes in goes on its way to the organisation in the same transaction, by the channels that carry it.

An organisation without channels is reached by its inbox alone, and nothing is put on the way.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from adapters.channels import Transports, channels_of
from adapters.course import begun
from adapters.delivery_tables import Delivery
from adapters.file import File, OfferOnFile, Queued
from adapters.reading import Reading
from adapters.reminding import is_owed, ways_of
from adapters.schedule import IMMEDIATE, Plan, plan_of
from adapters.standing import OPEN
from adapters.tables import table
from broker import limits
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId, OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.vocabulary import DeliveryState, Priority
from broker.sql.bulk import Connection, insert

HANDED_ON: Final = (OfferMade, OfferReminded, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked)
"""What a channel may carry."""

TAKES_AWAY: Final = frozenset({OfferWithdrawn, OfferExpired, DisclosureRevoked})
"""What says that something is over: told only where what it is about may have arrived."""

CODES_ALONE: Final = TAKES_AWAY | {OfferReminded}
"""Tier 1: kept with the delivery as they came, and handed over so."""

_CONTROL: Final = timedelta(hours=limits.control_delivery_hours)

_COLUMNS = (
    "org_id", "message_id", "type", "offer_id", "referral_id", "priority", "state", "place", "attempts", "tries",
    "due_at", "divert_at", "stop_at", "owner", "fact", "receipt_due", "made_at", "queued_at",
)  # fmt: skip

_REACHED: Final = (
    "SELECT DISTINCT d.org_id, d.offer_id FROM delivery d"
    " JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " WHERE d.state IN ('ATTEMPTED', 'DELIVERED') OR EXISTS (SELECT 1 FROM attempt a"
    " WHERE a.delivery_id = d.delivery_id AND a.outcome IN ('DELIVERED', 'UNKNOWN'))"
)


_UNSEEN: Final = (
    "SELECT d.org_id, d.offer_id FROM delivery d"
    " JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " WHERE d.type = $3 AND d.receipt_due"
)


async def load_channels(
    connection: Connection, file: File, readings: Sequence[Reading], transports: Transports
) -> None:
    """Lay on the file how the batch's organisations are reached.

    The offers are locked already, so that no claim comes in between.
    """
    about = [
        (reading.provider.org, reading.fact)
        for reading in readings
        if reading.code is None and reading.provider is not None and isinstance(reading.fact, HANDED_ON)
    ]
    if not about:
        return
    reminded = sorted({(org, fact.offer_id) for org, fact in about if isinstance(fact, OfferReminded)})
    if reminded:
        places = [org for org, _ in reminded], [offer for _, offer in reminded]
        unseen = await connection.fetch(_UNSEEN, *places, OfferMade.TYPE)
        file.unseen = {(OrgId(row["org_id"]), OfferId(row["offer_id"])) for row in unseen}
    file.channels = await channels_of(connection, {org for org, _ in about}, transports)
    ending = {(org, fact.offer_id) for org, fact in about if type(fact) in TAKES_AWAY and org in file.channels}
    if ending:
        keys = sorted(ending)
        found = await connection.fetch(_REACHED, [org for org, _ in keys], [offer for _, offer in keys])
        file.reached = {(OrgId(row["org_id"]), OfferId(row["offer_id"])) for row in found}


def hand_on(file: File, offer: OfferOnFile, envelope: Envelope, fact: EventData) -> bool:
    """Put an event on its way where a channel carries it; returns whether an offer's receipt waits for it to arrive."""
    channels = file.channels.get(offer.org_id, ())
    ways = ways_of(channels, fact.TYPE, fact)
    takes_away = type(fact) in TAKES_AWAY
    if not ways or (takes_away and (offer.org_id, offer.offer_id) not in file.reached):
        return False
    if isinstance(fact, OfferReminded) and not is_owed(fact.owed, offer.standing):
        return False
    stop_at = _stop_at(fact, offer, file.now)
    course = begun(ways, plan_for(fact.TYPE, offer.priority), file.now, stop_at)
    first = next(channel for channel in channels if channel.place == course.place)
    receipt_due = isinstance(fact, OfferMade) and first.pushes
    file.queued.append(
        Queued(
            envelope=envelope,
            org_id=offer.org_id,
            offer_id=offer.offer_id,
            referral_id=offer.referral_id,
            priority=offer.priority,
            fact=fact.wire().decode() if type(fact) in CODES_ALONE else None,
            place=course.place,
            divert_at=course.divert_at,
            stop_at=stop_at,
            receipt_due=receipt_due,
        )
    )
    return receipt_due


def plan_for(event_type: str, priority: str | None) -> Plan:
    """How urgently an event of this type is handed over: what is revoked at once, the rest by the offer's priority."""
    if event_type == DisclosureRevoked.TYPE:
        return IMMEDIATE
    return plan_of(Priority(priority) if priority is not None else None)


def _stop_at(fact: EventData, offer: OfferOnFile, now: datetime) -> datetime:
    """When it is of no use any more."""
    if isinstance(fact, OfferMade):
        return fact.answer_by
    if isinstance(fact, OfferReminded) and offer.standing in OPEN and offer.answer_by is not None:
        return offer.answer_by
    if isinstance(fact, DisclosureReleased) and fact.consent is not None and fact.consent.expires_at is not None:
        return min(fact.consent.expires_at, now + _CONTROL)
    return now + _CONTROL


async def save_queued(connection: Connection, file: File) -> None:
    """Write down what goes on its way."""
    now = file.now
    written = [
        (
            one.org_id, one.envelope.id, one.envelope.type, one.offer_id, one.referral_id, one.priority,
            DeliveryState.QUEUED.value, one.place, 0, 0, now, one.divert_at, one.stop_at, one.org_id, one.fact,
            one.receipt_due, one.envelope.time, now,
        )
        for one in file.queued
    ]  # fmt: skip
    await insert(connection, table(Delivery), _COLUMNS, written)
