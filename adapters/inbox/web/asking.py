"""How the pages ask an organisation's own sign-in: as the settings say, by the zone's one guarded client."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.inbox.web.entry import StaffSignIn
from adapters.inbox.web.roles import StaffRole
from adapters.transports.outgoing import Outgoing, OutgoingFailed, outgoing_of
from adapters.transports.transport import ChannelRefused
from broker import limits
from broker.entry.errors import OpenIdAway
from broker.entry.openid import Fetched, Organisation
from broker.entry.organisation import organisation_of as entry_organisation
from broker.entry.ways import OwnSignIn
from broker.errors import SettingsInvalid
from broker.schemas.ids import OrgId
from broker.settings import Settings


@dataclass(frozen=True, slots=True)
class Asking:
    """`Fetch`, to wherever the guard lets this zone connect."""

    outgoing: Outgoing

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        """Ask once.

        Raises:
            OpenIdAway: the zone does not connect there, or no answer comes.
        """
        try:
            endpoint = self.outgoing.guard.endpoint(url)
            reply = await self.outgoing.request(
                method, endpoint, headers=headers, body=body, bytes_max=limits.openid_read_bytes_max
            )
        except (ChannelRefused, OutgoingFailed):
            raise OpenIdAway from None
        if reply.body is None:
            raise OpenIdAway
        return Fetched(reply.status, reply.body)


@asynccontextmanager
async def own_sign_in(settings: Settings, served: Mapping[OrgId, object]) -> AsyncIterator[StaffSignIn | None]:
    """The organisation's own sign-in, where the settings have one, while the block lasts.

    Raises:
        SettingsInvalid: the secret cannot be read, or it is not said whose sign-in it is.
    """
    if settings.inbox_oidc is None:
        yield None
        return
    outgoing = outgoing_of(settings)
    try:
        yield OwnSignIn(organisation_of(settings, served), Asking(outgoing))
    finally:
        await outgoing.stop()


def organisation_of(settings: Settings, served: Mapping[OrgId, object]) -> Organisation[StaffRole]:
    """What the settings say of it."""
    told = settings.inbox_oidc
    assert told is not None
    org = settings.inbox_oidc_org or (next(iter(served)) if len(served) == 1 else None)
    if org is None:
        raise SettingsInvalid("HANDOFF_INBOX_OIDC_ORG is not set: say whose sign-in it is.")
    return entry_organisation(told, OrgId(org), StaffRole, "HANDOFF_INBOX_OIDC_CLIENT_SECRET_FILE")
