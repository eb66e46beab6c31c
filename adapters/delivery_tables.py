"""The provider zone's tables of how its organisations are reached, and of what is on its way to them.

A delivery is a row before anything is attempted, and every attempt is a row for good. None holds content: what is
handed over is read from the offer and what was released for it, at each attempt. Times are UTC.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from adapters.tables import Row
from broker.sql.columns import json, moment


class Channel(Row, table=True):
    """One way by which an organisation is reached. Its secrets are files of the organisation's zone, never here."""

    __tablename__ = "channel"
    org_id: str = Field(primary_key=True)
    place: int = Field(primary_key=True)
    """Its turn, 1 first. Those who are on call come after the others."""
    transport: str
    settings: dict[str, Any] = json()
    folder: str
    """The name of the folder of its secrets, drawn when it was made: it stays when the channel's turn changes."""
    on_call: bool = False
    paused: str | None = None
    """Why nothing is sent by it until a person has looked at it, by code; None while it works."""
    paused_at: datetime | None = moment(nullable=True)
    failures: int = 0
    """Attempts that failed in a row, by whatever delivery: enough of them open the breaker."""
    failing_since: datetime | None = moment(nullable=True)
    """When the first of them failed; None while it works."""
    probe_at: datetime | None = moment(nullable=True)
    """The breaker is open: until then nothing is sent, then one delivery is tried as a probe. None while closed."""
    asked_until: datetime | None = moment(nullable=True)
    """Until then the other side has asked not to be tried (`Retry-After`), within bounds."""
    changed_at: datetime = moment()


class Delivery(Row, table=True):
    """One message on its way to one organisation, whichever channel it takes (domain.md §10.1, layer 1)."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("org_id", "message_id"),
        Index("delivery_due", "org_id", "priority", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("delivery_by_offer", "org_id", "offer_id"),
    )
    delivery_id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    org_id: str
    message_id: str
    """The id of the broker's event: what the receiver drops repeats by."""
    type: str
    offer_id: str
    referral_id: str
    priority: str | None = None
    state: str
    """QUEUED, ATTEMPTED, RETRYING, DELIVERED, DEAD_LETTERED or SUPPRESSED."""
    place: int = 1
    """Which of the organisation's channels it takes now."""
    attempts: int = 0
    tries: int = 0
    """Attempts by the channel that it takes now."""
    due_at: datetime | None = moment(nullable=True)
    """When it is attempted next; None where nothing is to be attempted any more."""
    divert_at: datetime | None = moment(nullable=True)
    """When the next channel is taken if nothing has arrived by then."""
    stop_at: datetime | None = moment(nullable=True)
    """When it is of no use any more: then a human is told, and the broker."""
    leased_until: datetime | None = moment(nullable=True)
    """Somebody attempts it now; whoever dies lets go of it then."""
    code: str | None = None
    """What came of the last attempt, or why there is none."""
    owner: str
    """Which organisation answers for it: the provider until it has ended, the broker's where it could not be handed
    over."""
    fact: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    """The event itself where it is codes alone (tier 1); None for offers and releases."""
    receipt_due: bool = False
    """The offer's receipt (A2) is still to be sent: when it has arrived."""
    made_at: datetime = moment()
    """When the broker made the message."""
    queued_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class Attempt(Row, table=True):
    """One attempt: which number, by which way, when, what came of it, under which policy and consent. Added to only."""

    __tablename__ = "attempt"
    delivery_id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    number: int = Field(primary_key=True)
    transport: str
    folder: str | None = None
    """Of the channel's secrets: what it is known by when its turn has changed. None for what was tried before."""
    place: int
    outcome: str
    """DELIVERED, TRY_AGAIN, UNKNOWN, REFUSED or SUPPRESSED (the zone's gate said no)."""
    code: str
    began_at: datetime = moment()
    duration_ms: int
    policy: str | None = None
    consent_id: str | None = None
    consent_version: int | None = None


class DeliveryAct(Row, table=True):
    """What a person did to a delivery: stopped it or had it sent again, in which role, why by code. Added to only."""

    __tablename__ = "delivery_act"
    __table_args__ = (Index("delivery_act_by_delivery", "delivery_id"),)
    act_id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    delivery_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    act: str
    """REPLAY or STOP."""
    reason: str
    by: str
    before: str
    """In which state it was."""
    at: datetime = moment()
