"""Who may come in at the desk and who is in: roles of the network's operator under ids that say nothing, never names.

The columns are those that `broker.entry.accounts.Tables` lists.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field

from broker.sql.columns import binary, json, moment
from broker.store.base import Row


def _hash() -> Any:
    return Field(sa_column=Column(LargeBinary, primary_key=True))


class DeskLink(Row, table=True):
    """A link that works once, by the hash of its token."""

    __tablename__ = "desk_link"
    token_hash: bytes = _hash()
    org_id: str
    role: str
    purpose: str
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class DeskSession(Row, table=True):
    """Somebody is signed in at the desk, by the hash of the cookie."""

    __tablename__ = "desk_session"
    token_hash: bytes = _hash()
    org_id: str
    role: str
    account_id: str
    passkey_id: str | None = Field(default=None, index=True)
    """The passkey that began it; None where a link or the operator's own sign-in did."""
    language: str
    began_at: datetime = moment()
    seen_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class DeskPasskey(Row, table=True):
    """The public half of a passkey, and whose it is."""

    __tablename__ = "desk_passkey"
    passkey_id: str = Field(primary_key=True)
    credential_id: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    org_id: str = Field(index=True)
    role: str
    account_id: str
    public_key: bytes = binary()
    sign_count: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)


class DeskCeremony(Row, table=True):
    """Something begun in a browser and not ended yet, by the hash of its cookie: for some minutes, once."""

    __tablename__ = "desk_ceremony"
    token_hash: bytes = _hash()
    kind: str
    kept: dict[str, Any] = json()
    expires_at: datetime = moment()


class DeskForm(Row, table=True):
    """A form of the desk's pages that was sent: sent again, it does nothing."""

    __tablename__ = "desk_form"
    __table_args__ = (Index("desk_form_by_age", "sent_at"),)
    form_key: str = Field(primary_key=True)
    sent_at: datetime = moment()
