"""How the network's own people come in at the desk: where `broker.entry` keeps what it needs."""

from typing import Final

from broker.entry.accounts import PasskeyId, Tables
from broker.entry.links import Links
from broker.entry.passkeys import PasskeyChange
from broker.entry.ways import Entry, OwnSignIn, entry_of
from broker.schemas.ids import OrgId
from broker.sql.bulk import Connection, Pool
from broker.store.directory import tell_change
from broker.trail.entries import fresh_salt
from broker.web.desk.roles import DeskRole

TABLES: Final = Tables(sessions="desk_session", links="desk_link", passkeys="desk_passkey", ceremonies="desk_ceremony")

DeskSignIn = OwnSignIn[DeskRole]


def desk_entry(pool: Pool, origin: str, *, links_allowed: bool, own: DeskSignIn | None = None) -> Entry[DeskRole]:
    """The ways in to a desk that is reached at `origin`."""
    return entry_of(pool, TABLES, DeskRole, origin, links_allowed=links_allowed, own=own, note=_note)


async def _note(connection: Connection, org: OrgId, change: PasskeyChange, passkey: PasskeyId, role: str) -> None:
    """Whoever of the operator's people does it, with a link or by themselves: an entry of the trail."""
    await tell_change(connection, org, f"desk {change.value}", fresh_salt(), role=role, passkey=passkey)


def desk_links(pool: Pool, *, allowed: bool) -> Links[DeskRole]:
    """The links of the desk; `allowed`: they may sign somebody in."""
    return Links(pool, TABLES, DeskRole, allowed)
