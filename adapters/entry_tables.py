"""Who may come in at the pages and who is in: roles of organisations under ids that say nothing, never names."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field

from adapters.tables import Row
from broker.sql.columns import binary, json, moment


def _hash() -> Any:
    return Field(sa_column=Column(LargeBinary, primary_key=True))


class SignInLink(Row, table=True):
    """A link that works once, by the hash of its token; bound to an organisation, a role and a purpose."""

    __tablename__ = "sign_in_link"
    token_hash: bytes = _hash()
    org_id: str
    role: str
    purpose: str
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class StaffSession(Row, table=True):
    """Somebody is signed in at the pages, by the hash of the cookie: a role of an organisation, never a name."""

    __tablename__ = "staff_session"
    token_hash: bytes = _hash()
    org_id: str
    role: str
    account_id: str
    passkey_id: str | None = Field(default=None, index=True)
    """The passkey that began it; None where a link or the organisation's own sign-in did."""
    language: str
    began_at: datetime = moment()
    seen_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class StaffPasskey(Row, table=True):
    """The public half of a passkey, and whose it is; the other half never leaves its device."""

    __tablename__ = "staff_passkey"
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


class SignInCeremony(Row, table=True):
    """Something begun in a browser and not ended yet, by the hash of its cookie: for some minutes, once."""

    __tablename__ = "sign_in_ceremony"
    token_hash: bytes = _hash()
    kind: str
    kept: dict[str, Any] = json()
    expires_at: datetime = moment()


class Draft(Row, table=True):
    """What an account had chosen on an offer's page and not sent: there again when it has signed in again."""

    __tablename__ = "draft"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    answer: str
    reason: str | None = None
    kept_at: datetime = moment()
