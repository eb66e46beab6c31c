"""The tables of a referral and what became of it. Identity is ciphertext here."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, DateTime, Index, text
from sqlmodel import Field

from broker.sql.columns import json, long_text, moment
from broker.store.base import Row

FIRST_LOOK: Final = "now() + interval '24 hours'"
"""Nothing has served earlier, unless it is taken back, and then the look is due at once (broker/store/shredding.py)."""


class Incident(Row, table=True):
    """What ties the referrals of one incident together: the urgency that its risk screens demand."""

    __tablename__ = "incident"
    incident_id: str = Field(primary_key=True)
    source: str
    reported: bool
    floor: str | None = None
    medical_need: bool
    updated_at: datetime = moment()


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
    request: dict[str, Any] = json()
    excluded: list[str] = json()
    groups: list[str] = json()
    received_at: datetime = moment()
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
    services: list[str] = json()
    offer_id: str | None = None
    provider: str | None = None
    engaged: bool = False
    released: bool = False
    feedback_consent_id: str | None = None
    feedback_consent_version: int | None = None
    due_at: datetime | None = moment(nullable=True)
    next_action: str | None = None
    owner: str | None = None
    changed_at: datetime = moment()
    priority: str
    expires_at: datetime = moment()


class Offer(Row, table=True):
    """One need shown to one provider, without identity."""

    __tablename__ = "offer"
    __table_args__ = (
        Index("offer_by_referral", "referral_id"),
        Index("offer_undelivered", "changed_at", postgresql_where=text("reason = 'UNDELIVERED'")),
    )
    offer_id: str = Field(primary_key=True)
    referral_id: str
    category: str
    provider: str
    state: str
    rung: str
    made_at: datetime = moment()
    answer_by: datetime = moment()
    reason: str | None = None
    changed_at: datetime = moment()


class SealedGroupRow(Row, table=True):
    """One sealed field group. The broker holds no key that opens it."""

    __tablename__ = "sealed_group"
    referral_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    suite: str
    ciphertext: str = long_text()


class WrappedKeyRow(Row, table=True):
    """The content key of one sealed group, wrapped for one organisation; kept and destroyed apart."""

    __tablename__ = "wrapped_key"
    referral_id: str = Field(primary_key=True)
    field_group: str = Field(primary_key=True)
    recipient: str = Field(primary_key=True)
    key_id: str
    wrapped: str = long_text()


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
    released_at: datetime = moment()


class RecallRow(Row, table=True):
    """What a recipient was asked to give up; open until it has answered, and `due_at` while it is its turn."""

    __tablename__ = "recall"
    __table_args__ = (
        Index("recall_by_referral", "referral_id"),
        Index("recall_due", "due_at", postgresql_where=text("due_at is not null")),
    )
    offer_id: str = Field(primary_key=True)
    referral_id: str
    groups: list[str] = json()
    asked_at: datetime = moment()
    due_at: datetime | None = moment(nullable=True)
    reminded: bool
    outcome: str | None = None
    reason: str | None = None
    changed_at: datetime = moment()


class EscalationRow(Row, table=True):
    """One step of the ladder that was taken: once per deadline, whoever's clock it was."""

    __tablename__ = "escalation"
    __table_args__ = (Index("escalation_by_time", "taken_at"),)
    referral_id: str = Field(primary_key=True)
    category: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    level: str = Field(primary_key=True)
    owed: str = Field(primary_key=True)
    due_at: datetime = moment()
    taken_at: datetime = moment()


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
    groups: list[str] = json()
    reason: str
    basis: str
    invoked_by: str
    narrative_ref: str
    invoked_at: datetime = moment()
    expires_at: datetime = moment()
    approve_by: datetime = moment()
    review_by: datetime = moment()
    due_at: datetime | None = moment(nullable=True)
    subject_informed: str
    approved_by: str | None = None
    void: bool
    overdue: bool
    outcome: str | None = None
    reviewed_by: str | None = None
