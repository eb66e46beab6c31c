"""The broker's tables. None holds a name, a number or an address of a survivor: identity is ciphertext here.

Rows are written in bulk by `broker.sql.bulk`, which reads the columns off these classes; so this file, with
`case_tables` for the referrals, is the one place that says what is stored. Times are UTC. The provider zone has tables
of its own elsewhere and never reads these.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, text
from sqlmodel import Field

from broker.sql.columns import binary, json, moment
from broker.sql.migrate import APP_ROLE, SEQUENCER_ROLE, Zone
from broker.store import case_tables as case_tables
from broker.store import log_tables as log_tables
from broker.store import retention_tables as retention_tables
from broker.store.base import METADATA, Row

ZONE = Zone(
    Path(__file__).parent / "migrations",
    METADATA,
    append_only=("trail_entry", "public_report"),
    read_only=("log_entry", "log_checkpoint", "log_state"),
    grants={
        APP_ROLE: ("EXECUTE ON FUNCTION erase_texts(bigint)",),
        SEQUENCER_ROLE: (
            "USAGE ON SCHEMA public",
            "SELECT ON trail_entry, trail_entry_idx_seq, log_entry, log_checkpoint, log_state",
            "INSERT ON log_entry, log_checkpoint",
            "UPDATE ON log_state",
        ),
    },
)
"""How the broker's tables are brought up to date. Its processes may add to the trail and change nothing in it, but for
texts that a sealed entry has announced as erased; the log of it is the sequencer's, who may add entries and checkpoints
and change none."""


class Organisation(Row, table=True):
    """An agency or provider of the network: one command onboards it, no code and no restart (design.md §3)."""

    __tablename__ = "organisation"
    org_id: str = Field(primary_key=True)
    name: str
    org_class: str
    category: str | None = None
    profile: dict[str, Any] = json()
    agreement_until: datetime = moment()
    suspended: bool = False


class PublicKeyRow(Row, table=True):
    """A public key of an organisation. Only public halves are ever here; a revoked one stays, to be told of."""

    __tablename__ = "public_key"
    key_id: str = Field(primary_key=True)
    org_id: str = Field(index=True)
    kind: str
    public: bytes = binary()
    created_at: datetime = moment(default_now=True)
    not_after: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)


class DirectoryVersion(Row, table=True):
    """One row whose number rises at each change of organisations or keys, so that processes notice."""

    __tablename__ = "directory_version"
    one: int = Field(primary_key=True, default=1)
    version: int


class PolicyText(Row, table=True):
    """A policy pack that was in force: its exact text, so that what was frozen on a referral can be read for ever."""

    __tablename__ = "policy_text"
    reference: str = Field(primary_key=True)
    content: bytes = binary()
    signatures: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=text("''")))
    """The lines of its signature file; empty for one that ships."""
    first_used_at: datetime = moment(default_now=True)


class PolicyActivation(Row, table=True):
    """Which pack was in force from when; the newest is. Settled once everything open is decided under it."""

    __tablename__ = "policy_activation"
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    reference: str
    activated_at: datetime = moment(default_now=True)
    settled_at: datetime | None = moment(nullable=True)


class Position(Row, table=True):
    """Up to where a partition has been taken in: written in the transaction that took it in."""

    __tablename__ = "position"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_offset: int = Field(sa_column=Column(BigInteger, nullable=False))


class InboxEntry(Row, table=True):
    """One event that was taken in, so that it takes effect once; the digest tells a repeat from a reused id."""

    __tablename__ = "inbox"
    org_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    digest: bytes = binary()
    received_at: datetime = moment()


class Quarantined(Row, table=True):
    """A record that was not taken in: where it lies in Kafka, why, and whom it was told. Never its content.

    `judged_at` is when it was judged again and refused again; `settled` and why, once that has ended.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("quarantine_open", "quarantined_at", postgresql_where=text("settled_at is null")),
        Index("quarantine_by_event", "org_id", "event_id"),
        Index("quarantine_settled", "settled_at", postgresql_where=text("settled_at is not null")),
    )
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    record_offset: int = Field(sa_column=Column(BigInteger, primary_key=True))
    record_time_ms: int = Field(sa_column=Column(BigInteger, primary_key=True))
    code: str
    field: str | None = None
    org_id: str | None = None
    event_id: str | None = None
    size_bytes: int
    quarantined_at: datetime = moment()
    judged_at: datetime | None = moment(nullable=True)
    settled_at: datetime | None = moment(nullable=True)
    settled: str | None = None
    settled_reason: str | None = None


class EarlyKeys(Row, table=True):
    """A record with wrapped keys that was read before its referral: as it lies in Kafka, until it is read again."""

    __tablename__ = "early_keys"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    record_offset: int = Field(sa_column=Column(BigInteger, primary_key=True))
    record_time_ms: int = Field(sa_column=Column(BigInteger, primary_key=True))
    referral_id: str
    headers: list[Any] = json()
    """`[name, base64url]`, in their order."""
    value: bytes = binary()
    received_at: datetime = moment()


class Consent(Row, table=True):
    """One version of a consent record, as it was published; the highest version is in force.

    `revocations` are those that cover it or later versions: `[version, scope, [values]]`. Version 0 holds those that
    came before any version.
    """

    __tablename__ = "consent"
    consent_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    discloser: str
    subject_ref: str | None = Field(default=None, index=True)
    status: str
    record: dict[str, Any] = json()
    revocations: list[Any] = json(default="[]")
    received_at: datetime = moment()


class ConsentUse(Row, table=True):
    """One disclosure under a release that allows only so many, so that they are counted."""

    __tablename__ = "consent_use"
    consent_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    referral_id: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    used_at: datetime = moment()


class CapacityRow(Row, table=True):
    """Free places of a provider as it last said, with when."""

    __tablename__ = "capacity"
    org_id: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    bucket: str
    as_of: datetime = moment()


class WorkItem(Row, table=True):
    """Something that only a human can take further; it has an owner and an age until somebody resolves it."""

    __tablename__ = "work_item"
    __table_args__ = (
        Index(
            "work_item_open",
            "referral_id",
            "category",
            "reason",
            unique=True,
            postgresql_where=text("resolved_at is null"),
        ),
    )
    work_id: str = Field(primary_key=True)
    referral_id: str
    category: str
    reason: str
    owner: str
    priority: str
    raised_at: datetime = moment()
    claimed_by: str | None = None
    """A role or a desk, never a person's name; nobody else may take it before `claimed_until`."""
    claimed_until: datetime | None = moment(nullable=True)
    assigned_to: str | None = None
    """Who was given it: while it is open, nothing climbs the ladder for its need by itself."""
    resolved_at: datetime | None = moment(nullable=True)
    resolved_by: str | None = None
    resolution: str | None = None
    unmet_reason: str | None = None


class ClockTick(Row, table=True):
    """One row: when a clock last ticked, and whether deadlines are held because the database's clock stepped."""

    __tablename__ = "clock_tick"
    one: int = Field(primary_key=True, default=1)
    ticked_at: datetime | None = moment(nullable=True)
    held_at: datetime | None = moment(nullable=True)
    held_step_seconds: float | None = None
    """By how much the clock stepped."""
    released_by: str | None = None


class OutboxLane(Row, table=True):
    """One share of the outbox: a relay locks the row while it works on that share."""

    __tablename__ = "outbox_lane"
    lane: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


class OutboxMessage(Row, table=True):
    """A message that has been decided and not yet been confirmed by Kafka; `seq` keeps the order within a subject."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_due", "send_after", "seq"),
        Index("outbox_by_referral", "referral_id", postgresql_where=text("referral_id is not null")),
        Index("outbox_by_subject", "subject"),
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    lane: int
    topic: str
    attributes: dict[str, Any] = json()
    value: bytes = binary()
    referral_id: str | None = None
    category: str | None = None
    flow: str
    recipient: str
    phase: str | None = None
    subject: str
    """What it is about, as its key in Kafka says: a referral, or a consent, an incident, an organisation."""
    owner: str
    send_after: datetime = moment()


class TrailEntry(Row, table=True):
    """One step, as its text and the salt of its commitment (reliability.md §3.1). The app may only add rows."""

    __tablename__ = "trail_entry"
    __table_args__ = (
        Index("trail_by_referral", "referral_id", "idx"),
        Index(
            "trail_by_time",
            "written_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        ),
    )
    idx: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    kind: str
    referral_id: str | None = None
    salt: bytes = binary()
    preimage: bytes = binary()
    written_at: datetime = moment(default_now=True)


class PublicReport(Row, table=True):
    """What the public is told of one quarter, small counts held back: told once, never changed."""

    __tablename__ = "public_report"
    quarter: str = Field(primary_key=True)
    content: dict[str, Any] = json()
    published_at: datetime = moment(default_now=True)


class ErasedCount(Row, table=True):
    """How many of what was erased belong to a quarter that has not been told yet, cell by cell; nothing says which."""

    __tablename__ = "erased_count"
    quarter: str = Field(primary_key=True)
    figure: str = Field(primary_key=True)
    cell: str = Field(primary_key=True)
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
