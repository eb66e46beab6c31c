"""How a provider's people come in at the inbox's pages: where `broker.entry` keeps what it needs."""

from typing import Final

from adapters.inbox.web.roles import StaffRole
from broker.entry.accounts import Tables
from broker.entry.links import Links
from broker.entry.ways import Entry, OwnSignIn, entry_of
from broker.sql.bulk import Pool

TABLES: Final = Tables(
    sessions="staff_session", links="sign_in_link", passkeys="staff_passkey", ceremonies="sign_in_ceremony"
)

StaffSignIn = OwnSignIn[StaffRole]


def staff_entry(pool: Pool, origin: str, *, links_allowed: bool, own: StaffSignIn | None = None) -> Entry[StaffRole]:
    """The ways in to pages that are reached at `origin`."""
    return entry_of(pool, TABLES, StaffRole, origin, links_allowed=links_allowed, own=own)


def staff_links(pool: Pool, *, allowed: bool) -> Links[StaffRole]:
    """The links of the pages; `allowed`: they may sign somebody in."""
    return Links(pool, TABLES, StaffRole, allowed)
