"""The broker's tables. None holds a name, a number or an address of a survivor: identity is ciphertext here.

Rows are written in bulk by `broker.store.bulk`, which reads the columns off these classes; so this file is the one
place that says what is stored. Times are UTC. The provider zone has tables of its own elsewhere and never reads these.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from broker.sql.migrate import Zone

FIRST_LOOK: Final = "now() + interval '24 hours'"
"""Nothing has served earlier, unless it is taken back, and then the look is due at once (broker/store/shredding.py)."""

METADATA = MetaData()
"""The broker's own, so that no other zone's tables can slip into its migrations."""

ZONE = Zone(Path(__file__).parent / "migrations", METADATA, append_only=("trail_entry",))
"""How the broker's tables are brought up to date; its processes may add to the trail and change nothing in it."""


class Row(SQLModel):
    """A table of the broker."""

    metadata: ClassVar[MetaData] = METADATA


def _moment(*, nullable: bool = False, default_now: bool = False) -> Any:
    return Field(
        sa_column=Column(
            DateTime(timezone=True), nullable=nullable, server_default=text("now()") if default_now else None
        )
    )


def _json(default: str | None = None) -> Any:
    return Field(sa_column=Column(JSONB, nullable=False, server_default=default))


def _bytes(*, nullable: bool = False) -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=nullable))


class Organisation(Row, table=True):
    """An agency or provider of the network: one command onboards it, no code and no restart (design.md §3)."""

    __tablename__ = "organisation"
    org_id: str = Field(primary_key=True)
    name: str
    org_class: str
    category: str | None = None
    profile: dict[str, Any] = _json()
    agreement_until: datetime = _moment()
    suspended: bool = False


class PublicKeyRow(Row, table=True):
    """A public key of an organisation. Only public halves are ever here; a revoked one stays, to be told of."""

    __tablename__ = "public_key"
    key_id: str = Field(primary_key=True)
    org_id: str = Field(index=True)
    kind: str
    public: bytes = _bytes()
    created_at: datetime = _moment(default_now=True)
    not_after: datetime | None = _moment(nullable=True)
    revoked_at: datetime | None = _moment(nullable=True)


class DirectoryVersion(Row, table=True):
    """One row whose number rises at each change of organisations or keys, so that processes notice."""

    __tablename__ = "directory_version"
    one: int = Field(primary_key=True, default=1)
    version: int


class PolicyText(Row, table=True):
    """A policy pack that was in force: its exact text, so that what was frozen on a referral can be read for ever."""

    __tablename__ = "policy_text"
    reference: str = Field(primary_key=True)
    content: bytes = _bytes()
    signatures: bytes = Field(sa_column=Column(LargeBinary, nullable=False, server_default=text("''")))
    """The lines of its signature file; empty for one that ships."""
    first_used_at: datetime = _moment(default_now=True)


class PolicyActivation(Row, table=True):
    """Which pack was in force from when; the newest is. Settled once everything open is decided under it."""

    __tablename__ = "policy_activation"
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    reference: str
    activated_at: datetime = _moment(default_now=True)
    settled_at: datetime | None = _moment(nullable=True)


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
    digest: bytes = _bytes()
    received_at: datetime = _moment()


class Quarantined(Row, table=True):
    """A record that was not taken in: where it lies in Kafka, why, and whom it was told. Never its content."""

    __tablename__ = "quarantine"
    topic: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    record_offset: int = Field(sa_column=Column(BigInteger, primary_key=True))
    record_time_ms: int = Field(sa_column=Column(BigInteger, primary_key=True))
    code: str
    field: str | None = None
    org_id: str | None = None
    event_id: str | None = None
    size_bytes: int
    quarantined_at: datetime = _moment()


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
    record: dict[str, Any] = _json()
    revocations: list[Any] = _json(default="[]")
    received_at: datetime = _moment()


class ConsentUse(Row, table=True):
    """One disclosure under a release that allows only so many, so that they are counted."""

    __tablename__ = "consent_use"
    consent_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    referral_id: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    used_at: datetime = _moment()


class Incident(Row, table=True):
    """What ties the referrals of one incident together: the urgency that its risk screens demand."""

    __tablename__ = "incident"
    incident_id: str = Field(primary_key=True)
    source: str
    reported: bool
    floor: str | None = None
    medical_need: bool
    updated_at: datetime = _moment()


class Referral(Row, table=True):
    """One referral: who asked, how urgent, under which consent and which policy, frozen at its arrival."""

    __tablename__ = "referral"
    __table_args__ = (
        Index("referral_by_incident", "incident_id", postgresql_where=text("incident_id is not null")),
        Index("referral_by_consent", "consent_id", postgresql_where=text("consent_id is not null")),
        Index("referral_to_shred", "shred_look_at", postgresql_where=text("shred_look_at is not null")),
    )
    referral_id: str = Field(primary_key=True)
    source: str
    priority: str
    incident_id: str | None = None
    consent_id: str | None = None
    consent_version: int | None = None
    policy: str
    victim_agreed: str
    request: dict[str, Any] = _json()
    excluded: list[str] = _json()
    groups: list[str] = _json()
    received_at: datetime = _moment()
    expires_at: datetime = _moment()
    broken_glass: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    shred_look_at: datetime | None = Field(
        sa_column=Column(DateTime(timezone=True), nullable=True, server_default=text(FIRST_LOOK))
    )
    """When to look whether its sealed groups and wrapped keys have served; written by `broker.shredding` alone."""


class Need(Row, table=True):
    """One kind of help that a referral asks for; the unit that runs the state machine of domain.md §10.2."""

    __tablename__ = "need"
    __table_args__ = (Index("need_due", "due_at", postgresql_where=text("due_at is not null")),)
    referral_id: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    state: str
    services: list[str] = _json()
    offer_id: str | None = None
    provider: str | None = None
    engaged: bool = False
    released: bool = False
    feedback_consent_id: str | None = None
    feedback_consent_version: int | None = None
    due_at: datetime | None = _moment(nullable=True)
    next_action: str | None = None
    owner: str | None = None
    changed_at: datetime = _moment()


class Offer(Row, table=True):
    """One need shown to one provider, without identity."""

    __tablename__ = "offer"
    __table_args__ = (Index("offer_by_referral", "referral_id"),)
    offer_id: str = Field(primary_key=True)
    referral_id: str
    category: str
    provider: str
    state: str
    rung: str
    made_at: datetime = _moment()
    answer_by: datetime = _moment()
    reason: str | None = None
    changed_at: datetime = _moment()


class SealedGroupRow(Row, table=True):
    """One sealed field group. The broker holds no key that opens it."""

    __tablename__ = "sealed_group"
    referral_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    suite: str
    ciphertext: str = Field(sa_column=Column(Text, nullable=False))


class WrappedKeyRow(Row, table=True):
    """The content key of one sealed group, wrapped for one organisation; kept and destroyed apart."""

    __tablename__ = "wrapped_key"
    referral_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    key_id: str
    wrapped: str = Field(sa_column=Column(Text, nullable=False))


class Disclosure(Row, table=True):
    """One field group that was handed over to one provider: what has to be taken back when its consent is."""

    __tablename__ = "disclosure"
    __table_args__ = (Index("disclosure_by_referral", "referral_id"),)
    offer_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    referral_id: str
    recipient: str
    consent_id: str | None = None
    consent_version: int | None = None
    policy: str | None = None
    """Under which pack; unknown for what was handed over before a pack could change."""
    key_id: str | None = None
    """For which key it was wrapped: known when that one is stolen, although the wrapped key is gone here by then."""
    released_at: datetime = _moment()


class RecallRow(Row, table=True):
    """What a recipient was asked to give up; open until it has answered, and `due_at` while it is its turn."""

    __tablename__ = "recall"
    __table_args__ = (
        Index("recall_by_referral", "referral_id"),
        Index("recall_due", "due_at", postgresql_where=text("due_at is not null")),
    )
    offer_id: str = Field(primary_key=True)
    referral_id: str
    groups: list[str] = _json()
    asked_at: datetime = _moment()
    due_at: datetime | None = _moment(nullable=True)
    reminded: bool
    outcome: str | None = None
    changed_at: datetime = _moment()


class BreakGlassRow(Row, table=True):
    """One emergency in which a referral was opened to one provider: who answers for it, and what a review found."""

    __tablename__ = "break_glass"
    __table_args__ = (
        Index("break_glass_by_referral", "referral_id"),
        Index("break_glass_due", "due_at", postgresql_where=text("due_at is not null")),
        Index("break_glass_overdue", "source", postgresql_where=text("overdue and outcome is null")),
    )
    break_glass_id: str = Field(primary_key=True)
    referral_id: str
    category: str
    source: str
    recipient: str
    groups: list[str] = _json()
    reason: str
    basis: str
    invoked_by: str
    narrative_ref: str
    invoked_at: datetime = _moment()
    expires_at: datetime = _moment()
    approve_by: datetime = _moment()
    review_by: datetime = _moment()
    due_at: datetime | None = _moment(nullable=True)
    subject_informed: str
    approved_by: str | None = None
    void: bool
    overdue: bool
    outcome: str | None = None
    reviewed_by: str | None = None


class CapacityRow(Row, table=True):
    """Free places of a provider as it last said, with when."""

    __tablename__ = "capacity"
    org_id: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    unit: str = Field(primary_key=True)
    bucket: str
    as_of: datetime = _moment()


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
    raised_at: datetime = _moment()
    resolved_at: datetime | None = _moment(nullable=True)


class OutboxMessage(Row, table=True):
    """A message that has been decided and not yet been confirmed by Kafka; `seq` keeps the order within a referral."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_due", "send_after", "seq"),
        Index("outbox_by_referral", "referral_id", postgresql_where=text("referral_id is not null")),
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    lane: int
    topic: str
    attributes: dict[str, Any] = _json()
    value: bytes = _bytes()
    referral_id: str | None = None
    category: str | None = None
    flow: str
    recipient: str
    phase: str | None = None
    owner: str
    send_after: datetime = _moment()


class TrailEntry(Row, table=True):
    """One step, as a salted commitment with its text beside it (reliability.md §3.1). The app may only add rows."""

    __tablename__ = "trail_entry"
    __table_args__ = (Index("trail_by_referral", "referral_id", "idx"),)
    idx: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    kind: str
    referral_id: str | None = None
    salt: bytes = _bytes()
    preimage: bytes = _bytes()
    commitment: bytes = _bytes()
    written_at: datetime = _moment(default_now=True)
