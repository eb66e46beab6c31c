"""The tables of the log: commitments in their order, what was signed of them, and where the sequencer stands.

Only the sequencer's role writes here, and even it can change or remove no entry and no checkpoint. The texts stay in
`trail_entry`, from which they may one day be erased; what is here says nothing about anybody.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field

from broker.sql.columns import binary, long_text, moment
from broker.store.base import Row


class LogEntry(Row, table=True):
    """One entry of the log: its index, counted from 0 without a gap, and the row of the trail whose text opens it."""

    __tablename__ = "log_entry"
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry_idx: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    commitment: bytes = binary()


class LogCheckpoint(Row, table=True):
    """One signed checkpoint, as it was published."""

    __tablename__ = "log_checkpoint"
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    note: str = long_text()
    made_at: datetime = moment()


class LogState(Row, table=True):
    """One row: where the sequencer stands.

    Of the rows of the trail up to `horizon` none is missing from the log and none can still appear: whatever
    transaction might have written one has ended.
    """

    __tablename__ = "log_state"
    one: int = Field(primary_key=True, default=1)
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    peaks: bytes = binary()
    horizon: int = Field(sa_column=Column(BigInteger, nullable=False))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Rises with each sequencer that takes over, so that an earlier one notices and stops."""
