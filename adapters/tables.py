"""The provider zone's own tables. Clear text is tier 2 at most; what is sealed rests sealed, and opens in memory only.

Every row belongs to one organisation, because one installation may answer for several that must not see each other's.
Times are UTC. The broker never reads these tables, and this zone never reads the broker's.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from broker.sql.columns import binary, json, long_text, moment
from broker.sql.migrate import APP_ROLE, Zone

METADATA: Final = MetaData()

ZONE: Final = Zone(
    Path(__file__).parent / "migrations",
    METADATA,
    append_only=("attempt", "delivery_act", "reading"),
    read_only=("erasure",),
    grants={APP_ROLE: ("EXECUTE ON FUNCTION erase_codes(text, integer, text, integer)",)},
)
"""How the tables are brought up to date; who opened what, and every attempt, can be added to and not changed. What was
kept long enough goes by one function, and what it writes of that nobody else can."""


class Row(SQLModel):
    """A table of the provider zone."""

    metadata: ClassVar[MetaData] = METADATA


def _serial() -> Any:
    return Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))


class Position(Row, table=True):
    """Up to where a partition has been taken in: written in the transaction that took it in."""

    __tablename__ = "position"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_offset: int = Field(sa_column=Column(BigInteger, nullable=False))


class ReceivedEvent(Row, table=True):
    """One event of the broker that was taken in, so that it takes effect once."""

    __tablename__ = "received"
    org_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    received_at: datetime = moment()


class SetAside(Row, table=True):
    """A record that was not taken in: where it lies in Kafka and why, by code. Never its content."""

    __tablename__ = "set_aside"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    record_offset: int = Field(sa_column=Column(BigInteger, primary_key=True))
    record_time_ms: int = Field(sa_column=Column(BigInteger, primary_key=True))
    org_id: str
    code: str
    event_id: str | None = None
    set_aside_at: datetime = moment()


class Offer(Row, table=True):
    """One offer to one organisation. `content` is the offer as it came (tier 2), gone once the offer is over."""

    __tablename__ = "offer"
    __table_args__ = (
        Index("offer_by_reference", "org_id", "reference"),
        Index("offer_by_standing", "org_id", "standing"),
    )
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    referral_id: str
    reference: str
    standing: str
    category: str | None = None
    priority: str | None = None
    answer_by: datetime | None = moment(nullable=True)
    content: dict[str, Any] | None = Field(sa_column=Column(JSONB, nullable=True))
    refusal: str | None = None
    received_at: datetime = moment()
    changed_at: datetime = moment()
    reminded_at: datetime | None = moment(nullable=True)
    """When the broker last said that something is owed of it."""


class Disclosure(Row, table=True):
    """That sealed groups were released for an offer, under which consent, with which duties, until when."""

    __tablename__ = "disclosure"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    consent_id: str | None = None
    consent_version: int | None = None
    expires_at: datetime | None = moment(nullable=True)
    redisclosure_prohibited: bool
    notice_code: str
    contact_fresh_hours: int
    break_glass_id: str | None = None
    """Of the emergency in which it came without her having been asked; None where she was."""
    released_at: datetime = moment()


class ContactConfirmed(Row, table=True):
    """That a person asked the source's worker whether the safe contact still holds, when, and in which role."""

    __tablename__ = "contact_confirmed"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    by: str
    confirmed_at: datetime = moment()


class SealedPart(Row, table=True):
    """The ciphertext of one field group, as it came."""

    __tablename__ = "sealed_part"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    release_id: str
    """The event that brought it: keys of another release do not open it."""
    suite: str
    ciphertext: str = long_text()


class WrappedPart(Row, table=True):
    """The content key of one group, wrapped for this organisation; apart from the ciphertext, to be destroyed apart."""

    __tablename__ = "wrapped_part"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    key_id: str = Field(primary_key=True)
    release_id: str
    """The release that it belongs to, which may have come before it or be still to come."""
    wrapped: str = long_text()
    received_at: datetime = moment()


class Recall(Row, table=True):
    """Groups that were taken back, and what became of them here; without an outcome a person has still to say."""

    __tablename__ = "recall"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    groups: list[str] = json()
    answer_by: datetime = moment()
    outcome: str | None = None
    reason: str | None = None
    """What its source had got wrong; None where a survivor took consent back."""
    received_at: datetime = moment()


class OnCall(Row, table=True):
    """A turn of this organisation's roster: a role or desk and its number, in the clear, and only here."""

    __tablename__ = "on_call"
    org_id: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    ends_at: datetime = moment()
    number: str


class Answer(Row, table=True):
    """One event of ours on its way to the broker: sent again, under the same id, until Kafka has confirmed it."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("org_id", "event_id"),
        Index("answer_unsent", "org_id", "subject", "seq", postgresql_where=text("sent_at IS NULL")),
        Index("answer_by_offer", "org_id", "offer_id", "seq"),
    )
    seq: int | None = _serial()
    event_id: str
    org_id: str
    subject: str
    offer_id: str | None = None
    type: str
    before: str | None = None
    after: str | None = None
    attributes: dict[str, Any] = json()
    value: bytes = binary()
    made_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
    refusal: str | None = None
    refused_field: str | None = None


class LateAnswer(Row, table=True):
    """That an answer came after its offer was over: which, refused with which code, when first and last, how often.

    One row however often it is repeated, and nothing of what the answer said.
    """

    __tablename__ = "late_answer"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    times: int
    first_at: datetime = moment()
    last_at: datetime = moment()


class EarlyAnswer(Row, table=True):
    """An answer that came before one that must precede it: it waits here, and is given when that has come.

    Of codes, as every answer: tier 1. `said_at` is the time that whoever said it gave.
    """

    __tablename__ = "early_answer"
    __table_args__ = (Index("early_answer_by_offer", "org_id", "offer_id"),)
    org_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    offer_id: str
    type: str
    value: bytes = binary()
    said_at: datetime = moment()
    came_at: datetime = moment()


class Reading(Row, table=True):
    """That somebody opened sealed groups: which role, when, which groups by code. Written before anything is shown."""

    __tablename__ = "reading"
    __table_args__ = (Index("reading_by_offer", "org_id", "offer_id"),)
    reading_id: int | None = _serial()
    org_id: str
    offer_id: str
    reader: str
    account: str | None = None
    """A short reference of the account at the inbox's pages; None at a shell and for the provider's own system."""
    groups: list[str] = json()
    contact_shown: bool
    read_at: datetime = moment()


def table(row: type[Row]) -> Any:
    """The SQLAlchemy table of a row class."""
    return row.__table__  # type: ignore[attr-defined]
