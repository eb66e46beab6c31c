"""Letting somebody in at the desk, and no more: each an entry of the trail, in the transaction that does it."""

from broker.entry.accounts import PasskeyId
from broker.entry.links import LinkPurpose
from broker.entry.printing import link_at, passkey_lines
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.store.directory import tell_change
from broker.trail.entries import fresh_salt
from broker.web.desk.entry import desk_entry
from broker.web.desk.roles import DeskRole

_NOW = "SELECT clock_timestamp()"


async def link_for(settings: Settings, pool: Pool, role: DeskRole, purpose: LinkPurpose) -> str:
    """A link by which one person comes in once in this role, or makes a first passkey for it.

    Raises:
        LinksNotAllowed: it should sign somebody in, and that is not done here.
    """
    links = desk_entry(pool, settings.desk_origin, links_allowed=settings.desk_links_allowed).links
    async with pool.acquire() as connection, connection.transaction():
        now = await connection.fetchval(_NOW)
        token = await links.make_within(connection, settings.broker_org, role, purpose, now)
        told = {"role": role.value, "purpose": purpose.value}
        await tell_change(connection, settings.broker_org, "desk link made", fresh_salt(), **told)
    return link_at(settings.desk_origin, token)


async def passkeys_in_use(settings: Settings, pool: Pool, *, as_json: bool) -> list[str]:
    """A line for each passkey of the desk."""
    passkeys = desk_entry(pool, settings.desk_origin, links_allowed=False).passkeys
    return list(passkey_lines(await passkeys.listed(settings.broker_org), as_json=as_json))


async def take_away(settings: Settings, pool: Pool, passkey: PasskeyId) -> bool:
    """Take a passkey out of use, and sign out whom it has signed in; False where none of this id is in use."""
    passkeys = desk_entry(pool, settings.desk_origin, links_allowed=False).passkeys
    return await passkeys.revoke(settings.broker_org, passkey, await pool.fetchval(_NOW))
