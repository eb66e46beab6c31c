"""A provider's people at their own FHIR server: they see what was brought, and say yes, no and what became of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from adapters.fhir import codes
from adapters.fhir.bundles import by_identifier
from adapters.fhir.codes import Resource
from adapters.inbox.answering import Answered
from adapters.transports.fhir import FhirSettings
from adapters.transports.transport import Channel
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId
from tests.adapters.fhir.material import ORG

_JSON = {"content-type": "application/fhir+json", "accept": "application/fhir+json", "cache-control": "no-cache"}


@dataclass(slots=True)
class Staff:
    """Works on one server, by requests of its own."""

    base_url: str
    token: str = ""

    async def put(self, resource: Resource) -> None:
        """Store a resource as it is."""
        await self._ask("PUT", f"/{resource['resourceType']}/{resource['id']}", resource)

    async def all(self, kind: str, system: str, value: str) -> list[Resource]:
        """What has this identifier."""
        bundle = await self._ask("GET", f"/{kind}?{by_identifier(system, value)}")
        return [entry["resource"] for entry in bundle.get("entry", [])]

    async def task(self, offer_id: OfferId) -> Resource:
        """The one Task of an offer."""
        [task] = await self.all("Task", codes.OFFER, offer_id)
        return task

    async def say(self, offer_id: OfferId, changed: Mapping[str, Any]) -> None:
        """Change the Task of an offer."""
        await self.put({**await self.task(offer_id), **changed})

    async def _ask(self, method: str, path: str, body: Resource | None = None) -> Resource:
        headers = {**_JSON, "authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.base_url}{path}", json=body, headers=headers) as response,
        ):
            assert response.status in (200, 201), await response.text()
            answer: Resource = await response.json(content_type=None)
            return answer


@dataclass(slots=True)
class Doors:
    """Where answers meet, as far as these tests look: each id counts once."""

    given: dict[EventId, tuple[OfferId, EventData]] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self,
        org: OrgId,
        offer_id: OfferId,
        fact: EventData,
        event_id: EventId,
        *,
        giving_back: bool = False,
        said_at: datetime | None = None,
    ) -> Answered:
        assert org == ORG
        repeated = event_id in self.given
        assert not repeated or self.given[event_id] == (offer_id, fact), "the same id says the same"
        self.given[event_id] = (offer_id, fact)
        self.answered.set()
        return Answered(event_id, None, repeated=repeated)

    def types(self, offer_id: OfferId) -> list[type[EventData]]:
        """What was answered to an offer, in order."""
        return [type(fact) for of, fact in self.given.values() if of == offer_id]


def channel(base_url: str, folder: Path, **settings: Any) -> Channel:
    """A channel with a token in its folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    token = folder / "fhir.token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text("invented-token")
    said = {"baseUrl": base_url, "organization": "Organization/clinic-1", **settings}
    return Channel(ORG, 1, "fhir", FhirSettings.model_validate(said), folder)
