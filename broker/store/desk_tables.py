"""Who may come in at the desk and who is in, and which of its forms were sent."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from broker.entry.rows import CeremonyRow, LinkRow, PasskeyRow, SessionRow
from broker.sql.columns import moment
from broker.store.base import Row


class DeskLink(Row, LinkRow, table=True):
    """A link that lets one of the network's own people in."""

    __tablename__ = "desk_link"


class DeskSession(Row, SessionRow, table=True):
    """One of them is in."""

    __tablename__ = "desk_session"


class DeskPasskey(Row, PasskeyRow, table=True):
    """A passkey of one of them."""

    __tablename__ = "desk_passkey"


class DeskCeremony(Row, CeremonyRow, table=True):
    """One of them is about to come in."""

    __tablename__ = "desk_ceremony"


class DeskForm(Row, table=True):
    """A form of the desk's pages that was sent: sent again, it does nothing."""

    __tablename__ = "desk_form"
    __table_args__ = (Index("desk_form_by_age", "sent_at"),)
    form_key: str = Field(primary_key=True)
    sent_at: datetime = moment()
