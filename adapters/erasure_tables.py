"""What went by its schedule, and organisations' own shorter schedules: counts and rules, and nothing of what it was."""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from adapters.tables import Row
from broker.sql.columns import moment


class Erasure(Row, table=True):
    """One turn in which codes went. Written by the function that deletes them alone, and never changed."""

    __tablename__ = "erasure"
    erasure_id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    org_id: str = Field(index=True)
    rule: str
    """By which rule: the organisation's own, or that of its class."""
    days: int
    offers: int
    answers: int
    readings: int
    attempts: int
    erased_at: datetime = moment()


class RetentionRule(Row, table=True):
    """An organisation's own rule for what it keeps of ended offers: so many days."""

    __tablename__ = "retention_rule"
    org_id: str = Field(primary_key=True)
    days: int
    set_at: datetime = moment()
