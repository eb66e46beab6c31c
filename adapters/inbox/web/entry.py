"""How a provider's people come in at the inbox's pages: where `broker.entry` keeps what it needs."""

from dataclasses import dataclass
from typing import Final

from adapters.inbox.web.roles import StaffRole
from broker.entry.accounts import Site, Tables
from broker.entry.links import Links
from broker.entry.openid import Fetch, OpenId, Organisation
from broker.entry.passkeys import Passkeys
from broker.entry.sessions import Session, Sessions
from broker.sql.bulk import Pool

TABLES: Final = Tables(
    sessions="staff_session", links="sign_in_link", passkeys="staff_passkey", ceremonies="sign_in_ceremony"
)
CALLBACK: Final = "/organisation/back"
"""Where an organisation's own sign-in sends people back to; it must be registered there."""
_NAME: Final = "Desk"


StaffSession = Session[StaffRole]
StaffOrganisation = Organisation[StaffRole]


@dataclass(frozen=True, slots=True)
class OwnSignIn:
    """An organisation's own sign-in, and how its server is asked."""

    organisation: StaffOrganisation
    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Entry:
    """The ways in."""

    site: Site
    sessions: Sessions[StaffRole]
    links: Links[StaffRole]
    passkeys: Passkeys[StaffRole]
    openid: OpenId[StaffRole] | None
    """None where the organisation has no sign-in of its own here."""


def entry_of(pool: Pool, origin: str, *, links_allowed: bool, own: OwnSignIn | None = None) -> Entry:
    """The ways in to pages that are reached at `origin`."""
    site = Site(origin, _NAME)
    return Entry(
        site=site,
        sessions=Sessions(pool, TABLES, StaffRole),
        links=staff_links(pool, allowed=links_allowed),
        passkeys=Passkeys(pool, TABLES, StaffRole, site),
        openid=OpenId(own.organisation, own.fetch, pool, TABLES, origin + CALLBACK) if own is not None else None,
    )


def staff_links(pool: Pool, *, allowed: bool) -> Links[StaffRole]:
    """The links of the pages; `allowed`: they may sign somebody in."""
    return Links(pool, TABLES, StaffRole, allowed)
