"""An open door for tests, and offers in the file of the installation behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from adapters.door.app import door_app
from adapters.door.callers import door_folder
from adapters.provider import Provider, load_providers
from adapters.standing import Standing
from adapters.transports.webhook_secret_making import add_secret
from broker.schemas.ids import OfferId, OrgId, new_offer_id, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import MsgStatus, RecipientCategory
from broker.web.serving import served
from tests.adapters.door.own_system import OwnSystem
from tests.adapters.network import Installation, example_offer


@dataclass(slots=True)
class Doorway:
    """An open door, its installation, and a clock that a test may set."""

    installation: Installation
    session: aiohttp.ClientSession
    base: str = ""
    providers: dict[OrgId, Provider] = field(default_factory=dict)
    ahead: float = 0.0

    def clock(self) -> float:
        """Seconds since 1970, as the door believes."""
        return datetime.now(UTC).timestamp() + self.ahead

    def system(self, org: OrgId) -> OwnSystem:
        """The organisation's own system, which the door believes."""
        own = OwnSystem(self.session, self.base, org)
        add_secret(door_folder(self.providers[org]), own.secret, datetime.now(UTC))
        return own

    async def offered(self, org: OrgId, standing: Standing = Standing.WAITING) -> OfferId:
        """An offer in the provider's file, as if it had come."""
        offer_id, referral, now = new_offer_id(), new_referral_id(), datetime.now(UTC)
        offer = example_offer(RecipientCategory.SHELTER, offer_id)
        await self.installation.pool.execute(
            "INSERT INTO offer (org_id, offer_id, referral_id, reference, standing, category, priority, answer_by,"
            " content, received_at, changed_at) VALUES ($1, $2, $3, $4, $5, 'SHELTER', 'P1', $6, $7, $6, $6)",
            *(org, offer_id, referral, reference_of(referral), standing.value, now, offer.wire().decode()),
        )
        return offer_id

    async def stored(self) -> list[tuple[str, str]]:
        """Every answer that was stored: event id and type."""
        found = await self.installation.rows("SELECT event_id, type FROM answer ORDER BY seq")
        return [(row["event_id"], row["type"]) for row in found]


@asynccontextmanager
async def open_door(doorway: Doorway) -> AsyncIterator[Doorway]:
    """Open it at a port of its own."""
    doorway.providers = load_providers(doorway.installation.zones)
    app = door_app(doorway.installation.pool, doorway.providers, MsgStatus.ACTUAL, doorway.clock)
    async with served(app, "127.0.0.1:0", "HANDOFF_DOOR_ADDRESS") as (host, port):
        doorway.base = f"http://{host}:{port}"
        yield doorway


def yes(offer_id: OfferId) -> OfferAccepted:
    """A person's yes."""
    return OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF)
