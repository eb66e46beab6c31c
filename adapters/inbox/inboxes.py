"""The inboxes of one installation, without Kafka: what the command line and the pages open."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from adapters.errors import NoSuchProvider
from adapters.inbox.inbox import Inbox
from adapters.provider import Provider, load_providers
from broker import limits
from broker.errors import PostgresUnreachable
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT


@dataclass(frozen=True, slots=True)
class Inboxes:
    """Every organisation that this installation answers for."""

    pool: Pool
    providers: Mapping[OrgId, Provider]
    environment: MsgStatus

    def of(self, org: str | None = None) -> Inbox:
        """The inbox of an organisation; without a name, of the only one.

        Raises:
            NoSuchProvider: it is not served here, or none was named and there are several.
        """
        if org is None and len(self.providers) != 1:
            raise NoSuchProvider(
                "This installation answers for several organisations."
                if self.providers
                else "This installation answers for no organisation.",
                remedy=None if self.providers else "Make the organisation's folder first; see docs/providers.md.",
            )
        provider = next(iter(self.providers.values())) if org is None else self.providers.get(OrgId(org))
        if provider is None:
            raise NoSuchProvider
        return Inbox(self.pool, provider, self.environment)


@asynccontextmanager
async def database(dsn: str) -> AsyncIterator[Pool]:
    """Connections to the provider zone's database (`postgresql://…`) as its everyday role.

    Raises:
        PostgresUnreachable: nobody answers there.
    """
    try:
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=limits.provider_pool_connections_max)
    except TRANSIENT as error:
        raise PostgresUnreachable from error
    async with pool:
        yield pool


@asynccontextmanager
async def open_inboxes(dsn: str, zones: Path, environment: MsgStatus) -> AsyncIterator[Inboxes]:
    """The inboxes of the provider folders below `zones`, on the database at `dsn`.

    Raises:
        PostgresUnreachable: nobody answers there.
        HandoffError: a folder is not as it must be.
    """
    providers = load_providers(zones)
    async with database(dsn) as pool:
        yield Inboxes(pool, providers, environment)
