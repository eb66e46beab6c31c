"""The tables of what is erased: who asked, who approved, how far it is; what is waited for no longer; own schedules."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field

from broker.sql.columns import moment
from broker.store.base import Row


class ErasureRow(Row, table=True):
    """One erasure, from its request to its end. `entry_idx` is the entry of the trail that announces it.

    Without a referral it is of entries that belong to none, or it is finished: then not even the id is left.
    """

    __tablename__ = "erasure"
    __table_args__ = (Index("erasure_open", "referral_id", unique=True, postgresql_where=text("finished_at is null")),)
    erasure_id: str = Field(primary_key=True)
    referral_id: str | None = None
    basis: str
    requested_by: str
    requested_at: datetime = moment()
    approved_by: str | None = None
    approved_at: datetime | None = moment(nullable=True)
    entry_idx: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    texts: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """How many texts are gone by it."""
    finished_at: datetime | None = moment(nullable=True)


class ClosingRow(Row, table=True):
    """That no answer is waited for any more: who asked, who agreed. `name` is the recall's offer or the emergency."""

    __tablename__ = "closing"
    __table_args__ = (
        Index("closing_by_name", "name"),
        Index("closing_asked", "name", unique=True, postgresql_where=text("approved_at is null")),
        Index("closing_by_referral", "referral_id"),
    )
    closing_id: str = Field(primary_key=True)
    name: str
    owed: str
    """`REVOCATION_UNANSWERED` or `BREAK_GLASS_UNREVIEWED`."""
    referral_id: str
    reason: str
    requested_by: str
    requested_at: datetime = moment()
    approved_by: str | None = None
    approved_at: datetime | None = moment(nullable=True)


class TrailSchedule(Row, table=True):
    """An organisation's own rule for the trail of its referrals: so many days after their end."""

    __tablename__ = "trail_schedule"
    org_id: str = Field(primary_key=True)
    days: int
    set_at: datetime = moment()
