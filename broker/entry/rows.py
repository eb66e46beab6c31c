"""What every zone keeps of who may come in at its pages and who is in: roles under ids that say nothing, never names.

Each zone makes tables of its own of them; the columns are those that `broker.entry.accounts.Tables` lists.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field, SQLModel

from broker.sql.columns import binary, json, moment


def _hash() -> Any:
    return Field(sa_type=LargeBinary, primary_key=True)


class LinkRow(SQLModel):
    """A link that works once, by the hash of its token; bound to an organisation, a role and a purpose."""

    token_hash: bytes = _hash()
    org_id: str
    role: str
    purpose: str
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class SessionRow(SQLModel):
    """Somebody is signed in, by the hash of the cookie: a role of an organisation, never a name."""

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


class PasskeyRow(SQLModel):
    """The public half of a passkey, and whose it is; the other half never leaves its device."""

    passkey_id: str = Field(primary_key=True)
    credential_id: bytes = Field(sa_type=LargeBinary, unique=True)
    org_id: str = Field(index=True)
    role: str
    account_id: str
    public_key: bytes = binary()
    sign_count: int = Field(sa_type=BigInteger)
    made_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)
    revoked_at: datetime | None = moment(nullable=True)


class CeremonyRow(SQLModel):
    """Something begun in a browser and not ended yet, by the hash of its cookie: for some minutes, once."""

    token_hash: bytes = _hash()
    kind: str
    kept: dict[str, Any] = json()
    expires_at: datetime = moment()
