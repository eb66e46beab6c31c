"""The ways in to one application's pages: where each keeps what it needs, and which there are."""

from dataclasses import dataclass
from typing import Final, Generic

from broker.entry.accounts import Role, Site, Tables
from broker.entry.links import Links
from broker.entry.openid import Fetch, OpenId, Organisation
from broker.entry.passkeys import Note, Passkeys
from broker.entry.sessions import Sessions
from broker.sql.bulk import Pool

CALLBACK: Final = "/organisation/back"
"""Where an organisation's own sign-in sends people back to; it must be registered there."""
_NAME: Final = "Desk"


@dataclass(frozen=True, slots=True)
class OwnSignIn(Generic[Role]):
    """An organisation's own sign-in, and how its server is asked."""

    organisation: Organisation[Role]
    fetch: Fetch


@dataclass(frozen=True, slots=True)
class Entry(Generic[Role]):
    """The ways in."""

    site: Site
    sessions: Sessions[Role]
    links: Links[Role]
    passkeys: Passkeys[Role]
    openid: OpenId[Role] | None
    """None where the organisation has no sign-in of its own here."""


def entry_of(
    pool: Pool,
    tables: Tables,
    roles: type[Role],
    origin: str,
    *,
    links_allowed: bool,
    own: OwnSignIn[Role] | None = None,
    note: Note | None = None,
) -> Entry[Role]:
    """The ways in to pages that are reached at `origin`; `links_allowed`: a link may sign somebody in.

    `note` writes down that a passkey was made or taken out of use.
    """
    site = Site(origin, _NAME)
    return Entry(
        site=site,
        sessions=Sessions(pool, tables, roles),
        links=Links(pool, tables, roles, links_allowed),
        passkeys=Passkeys(pool, tables, roles, site, note),
        openid=OpenId(own.organisation, own.fetch, pool, tables, origin + CALLBACK) if own is not None else None,
    )
