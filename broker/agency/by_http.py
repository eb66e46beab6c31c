"""What the broker tells an agency, by HTTP: pages of notices through the network's door, believed by their signatures.

An agency without Kafka hears the same as one with it, and is as safe from a door that is not the network's.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from aiokafka import ConsumerRecord

from broker.agency.errors import BrokerUnreachable, DoorRefused
from broker.agency.notices import Hearing, KafkaRecord, Notice
from broker.limits import tail_again_seconds, tail_seconds_max, web_wait_seconds_max
from broker.seal.request_signature import TIMESTAMP_HEADER, sign_request
from broker.seal.signature import SIGNATURE_HEADER


@dataclass(frozen=True, slots=True)
class Door:
    """The network's door, as one agency asks there; `address` has no slash at its end."""

    session: aiohttp.ClientSession
    address: str
    hearing: Hearing

    async def notices(self, *, follow: bool) -> AsyncIterator[Notice]:
        """What the broker has said, oldest first within a referral; `follow` goes on with what is still to come.

        What is not the broker's own word is left out, and the log says so.

        Raises:
            BrokerUnreachable: at the first page; later it is asked again, for as long as it takes.
            DoorRefused: with the door's code, and what to do.
        """
        after, first = "", True
        while True:
            page = await self._page(after, wait=follow and not first, first=first)
            for one in page["notices"]:
                notice = self.hearing.read(_record(one))
                if notice is not None:
                    yield notice
            after, first = f"&after={page['next']}", False
            if not (follow or page["more"]):
                return

    async def _page(self, after: str, *, wait: bool, first: bool) -> dict[str, Any]:
        path = f"/notices?wait={web_wait_seconds_max if wait else 0}{after}"
        while True:
            try:
                return await self._asked(path)
            except BrokerUnreachable:
                if first:
                    raise
            await asyncio.sleep(tail_again_seconds)

    async def _asked(self, path: str) -> dict[str, Any]:
        timestamp = str(int(time.time())).encode()
        signature = sign_request(b"GET " + path.encode(), timestamp, self.hearing.zone.signing_key)
        headers = {TIMESTAMP_HEADER: timestamp.decode(), SIGNATURE_HEADER: signature.decode()}
        try:
            async with self.session.get(
                self.address + path, headers=headers, timeout=aiohttp.ClientTimeout(tail_seconds_max)
            ) as answer:
                content: dict[str, Any] = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise BrokerUnreachable from None
        if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            raise BrokerUnreachable
        if answer.status != HTTPStatus.OK:
            raise DoorRefused(f"{content.get('code')}: {content.get('title')}", remedy=content.get("detail"))
        return content


def _record(told: dict[str, Any]) -> KafkaRecord:
    """A notice of a page as it lies on Kafka; where, is not known here."""
    headers = tuple((name, text.encode()) for name, text in told["headers"].items())
    key, value = told["headers"].get("ce_subject", "").encode(), told["value"].encode()
    return ConsumerRecord("", -1, -1, 0, 0, key, value, None, len(key), len(value), headers)
