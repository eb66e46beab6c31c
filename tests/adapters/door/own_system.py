"""A provider's own system before the door: it signs by the `standardwebhooks` package."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from standardwebhooks import Webhook as Standard

from adapters.standard_webhooks import HmacSecret
from broker.schemas.event import EventData
from broker.schemas.ids import OrgId, new_event_id


@dataclass(frozen=True, slots=True)
class Said:
    """What the door answered."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def content(self) -> Any:
        """Its JSON."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a refusal; every refusal has one, with what to do."""
        problem = self.content
        assert self.headers["content-type"] == "application/problem+json"
        assert problem["status"] == self.status
        assert problem["title"]
        assert problem["detail"]
        return str(problem["code"])


@dataclass(slots=True)
class OwnSystem:
    """One organisation's system; `secret` may be one that the door does not believe."""

    session: aiohttp.ClientSession
    base: str
    org: OrgId
    secret: str = field(default_factory=lambda: HmacSecret.new().text(), repr=False)

    def signed(self, content: str, message_id: str | None = None, at: float | None = None) -> dict[str, str]:
        """The headers of a request that says `content`."""
        moment = datetime.fromtimestamp(at, UTC) if at is not None else datetime.now(UTC)
        message_id = message_id or new_event_id()
        return {
            "handoff-org": self.org,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Standard(self.secret).sign(message_id, moment, content),
        }

    async def offer(self, offer_id: str, **how: Any) -> Said:
        """Fetch an offer."""
        return await self.request("GET", f"/offers/{offer_id}", headers=self.signed(f"GET /offers/{offer_id}", **how))

    async def conflict_check(self, offer_id: str) -> Said:
        """Fetch the names for the conflict check, which is an act and not a look."""
        path = f"/offers/{offer_id}/conflict-check"
        return await self.request("POST", path, headers=self.signed(f"POST {path}"))

    async def answer(self, fact: EventData, *, also: Mapping[str, Any] | None = None, **how: Any) -> Said:
        """Give an answer."""
        data = json.loads(fact.wire())
        sent = {"type": fact.TYPE, "offerId": data["offerId"], "data": data, **(also or {})}
        return await self.post(json.dumps(sent), **how)

    async def post(self, body: str, **how: Any) -> Said:
        """Post any text as an answer."""
        headers = {"content-type": "application/json", **self.signed(body, **how)}
        return await self.request("POST", "/answers", headers=headers, body=body.encode())

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Said:
        """Any request."""
        url = self.base + path
        async with self.session.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
            return Said(response.status, await response.text(), response.headers)
