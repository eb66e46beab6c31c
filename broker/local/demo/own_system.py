"""A shelter's own system: it takes webhooks whose signature holds, and asks and answers at the zone's door.

It is the other side, so it has nothing of ours: Standard Webhooks 1.0.0 is written out here in a dozen lines. What it
believes is the zone's public key; what it signs with is a secret that the zone made for it.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker.local.demo.loopback_server import LoopbackServer

_CLOCKS_DIFFER_SECONDS: Final = 300
"""What is older may be a replay (Standard Webhooks)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook whose signature held."""

    message_id: str
    body: bytes

    @property
    def offer_id(self) -> str:
        """About which offer."""
        return str(json.loads(self.body)["data"]["offerId"])

    @property
    def says(self) -> str:
        """What happened and the reference, for people."""
        told = json.loads(self.body)
        return f"{told['type'].removeprefix('org.warmhandoff.').removesuffix('.v1')} {told['data']['reference']}"


class OwnSystem(LoopbackServer):
    """Listens for webhooks, and believes nobody before `believes` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Callable[[Notice], None] = lambda _: None
        """Called with each notice that is new."""
        self.believes: tuple[str, ...] = ()
        """Public keys, as the zone shows them: `whpk_…`."""
        self.notices: list[Notice] = []
        """Each once, whatever came again."""
        self.refused = 0
        """Requests whose signature did not hold."""

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://{self.address}/hooks/handoff"

    def about(self, offer_id: str) -> Iterator[Notice]:
        """The notices about an offer."""
        return (notice for notice in self.notices if notice.offer_id == offer_id)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take a webhook: 204 as soon as the signature holds."""
        body = await request.read()
        if not signed_by(self.believes, request.headers, body):
            self.refused += 1
            return web.Response(status=401)
        notice = Notice(request.headers["webhook-id"], body)
        if all(one.message_id != notice.message_id for one in self.notices):
            self.notices.append(notice)
            self.told(notice)
        return web.Response(status=204)


def signed_by(keys: tuple[str, ...], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the signatures is by one of these keys, and was made within five minutes."""
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > _CLOCKS_DIFFER_SECONDS:
        return False
    signed = f"{message_id}.{at}.".encode() + body
    given = [one[len("v1a,") :] for one in headers.get("webhook-signature", "").split() if one.startswith("v1a,")]
    return any(_holds(key, signature, signed) for key in keys for signature in given)


def _holds(key: str, signature: str, signed: bytes) -> bool:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    try:
        public.verify(base64.b64decode(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Door:
    """The zone's door, as one organisation's own system uses it."""

    address: str
    """`host:port`."""
    org: str
    secret: str = field(repr=False)
    """`whsec_…`."""

    async def offer(self, offer_id: str) -> tuple[int, dict[str, Any]]:
        """Fetch an offer: the status, and what the door says."""
        return await self._ask("GET", f"/offers/{offer_id}")

    async def answer(self, kind: str, offer_id: str, **data: str) -> tuple[int, dict[str, Any]]:
        """Give an answer; 202 means that it is stored."""
        said = {"type": kind, "offerId": offer_id, "data": {"offerId": offer_id, **data}}
        return await self._ask("POST", "/answers", json.dumps(said))

    async def _ask(self, method: str, path: str, body: str = "") -> tuple[int, dict[str, Any]]:
        headers = {
            "content-type": "application/json",
            "handoff-org": self.org,
            **self._signed(body or f"{method} {path}"),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{self.address}{path}", data=body or None, headers=headers) as response,
        ):
            return response.status, await response.json(content_type=None)

    def _signed(self, content: str) -> dict[str, str]:
        message_id, at = str(uuid.uuid4()), str(int(time.time()))
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signature = hmac.digest(key, f"{message_id}.{at}.{content}".encode(), hashlib.sha256)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
