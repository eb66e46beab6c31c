"""An agency that has nothing but HTTP and its signing key, and what lies on Kafka of what it sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from multidict import CIMultiDict

from broker.bus.stopping import stopped
from broker.composition import kafka_of
from broker.seal.keys import SigningKey
from broker.seal.request_signature import sign_request
from tests.adapters.door.own_system import Said
from tests.broker.county import County
from tests.broker.letters import Letter, until

Record = ConsumerRecord[bytes, bytes]


@dataclass(slots=True)
class Agency:
    """One agency's software before the door."""

    session: aiohttp.ClientSession
    base: str
    key: SigningKey

    async def publish(self, letter: Letter, **more: str) -> Said:
        """Send what would else have gone to Kafka, with these further headers."""
        headers: CIMultiDict[str] = CIMultiDict(more)
        for name, content in letter.headers:
            headers.add(name.replace("ce_", "ce-", 1), (content or b"").decode())
        return await self.request("POST", "/events", headers=headers, body=letter.value or b"")

    async def ask(self, target: str, at: datetime | None = None) -> Said:
        """A signed request for this path."""
        return await self.request("GET", target, headers=self.signed(target, at))

    def signed(self, target: str, at: datetime | None = None) -> dict[str, str]:
        """The headers of a request for this path, at this time."""
        timestamp = str(int((at or datetime.now(UTC)).timestamp()))
        signature = sign_request(f"GET {target}".encode(), timestamp.encode(), self.key).decode()
        return {"wh-timestamp": timestamp, "wh-signature": signature}

    async def outcome(self, event_id: str) -> dict[str, Any]:
        """What became of an event, once something is known of it."""

        async def known() -> Said | None:
            said = await self.ask(f"/events/{event_id}")
            return said if said.status == 200 else None

        said: Said = await until(known)
        return dict(said.content)

    async def notices(self) -> list[dict[str, Any]]:
        """All that the broker has said to it so far, page by page."""
        found, after = [], ""
        while True:
            page = (await self.ask(f"/notices{after}")).content
            found += page["notices"]
            after = f"?after={page['next']}"
            if not page["more"]:
                return found

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Said:
        """Any request. What aiohttp would add of itself is left out where it is said."""
        url = self.base + path
        async with self.session.request(
            method, url, headers=headers, data=body, allow_redirects=False, skip_auto_headers=("content-type",)
        ) as response:
            return Said(response.status, await response.text(), response.headers)


async def on_kafka(county: County, topic: str) -> list[Record]:
    """Every record of a topic."""
    consumer = AIOKafkaConsumer(**kafka_of(county.settings), group_id=None)
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for partition in range(county.settings.topic_partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[Record] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await stopped(consumer)
