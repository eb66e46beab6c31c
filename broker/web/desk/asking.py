"""How the desk asks the operator's own sign-in: over TLS, whole or not at all, following nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from broker import limits
from broker.entry.errors import OpenIdAway
from broker.entry.openid import Fetched
from broker.entry.organisation import organisation_of
from broker.entry.ways import OwnSignIn
from broker.settings import Settings
from broker.web.desk.entry import DeskSignIn
from broker.web.desk.roles import DeskRole


@dataclass(frozen=True, slots=True)
class Asking:
    """`Fetch`, by a session of its own."""

    session: aiohttp.ClientSession

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        """Ask once.

        Raises:
            OpenIdAway: no answer comes, or one that is too long.
        """
        try:
            async with self.session.request(
                method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                content = b""
                while not answer.content.at_eof() and len(content) <= limits.openid_read_bytes_max:
                    content += await answer.content.read(limits.openid_read_bytes_max)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise OpenIdAway from None
        if len(content) > limits.openid_read_bytes_max:
            raise OpenIdAway
        return Fetched(answer.status, content)


@asynccontextmanager
async def own_sign_in(settings: Settings) -> AsyncIterator[DeskSignIn | None]:
    """The operator's own sign-in, where the settings have one, while the block lasts.

    Raises:
        SettingsInvalid: its secret cannot be read.
    """
    told = settings.desk_oidc
    if told is None:
        yield None
        return
    organisation = organisation_of(told, settings.broker_org, DeskRole, "HANDOFF_DESK_OIDC_CLIENT_SECRET_FILE")
    timeout = aiohttp.ClientTimeout(total=limits.openid_answer_seconds_max)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        yield OwnSignIn(organisation, Asking(session))
