"""Who may come in at a provider's pages and who is in, and what somebody had chosen there."""

from datetime import datetime

from sqlmodel import Field

from adapters.tables import Row
from broker.entry.rows import CeremonyRow, LinkRow, PasskeyRow, SessionRow
from broker.sql.columns import moment


class SignInLink(Row, LinkRow, table=True):
    """A link that lets one of a provider's people in."""

    __tablename__ = "sign_in_link"


class StaffSession(Row, SessionRow, table=True):
    """One of them is in."""

    __tablename__ = "staff_session"


class StaffPasskey(Row, PasskeyRow, table=True):
    """A passkey of one of them."""

    __tablename__ = "staff_passkey"


class SignInCeremony(Row, CeremonyRow, table=True):
    """One of them is about to come in."""

    __tablename__ = "sign_in_ceremony"


class Draft(Row, table=True):
    """What an account had chosen on an offer's page and not sent: there again when it has signed in again."""

    __tablename__ = "draft"
    org_id: str = Field(primary_key=True)
    offer_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    answer: str
    reason: str | None = None
    kept_at: datetime = moment()
