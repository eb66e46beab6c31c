"""Answers leave in the order in which people gave them, under one event id each, until Kafka has confirmed them.

An answer is a row before it is a message. Any number of senders may run: each takes the oldest unsent answer of a
referral by `SKIP LOCKED`, so that no two send the same one and none overtakes another of its referral.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from pydantic_core import from_json
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from broker import limits
from broker.bus.publisher import Message, Publisher
from broker.schemas.event import Flow
from broker.schemas.ids import OrgId
from broker.schemas.topics import Topics
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)


_CLAIM: Final = (
    "SELECT a.seq, a.org_id, a.attributes, a.value FROM answer a WHERE a.sent_at IS NULL AND a.org_id = ANY($1::text[])"
    " AND NOT EXISTS (SELECT 1 FROM answer e WHERE e.org_id = a.org_id AND e.subject = a.subject AND e.seq < a.seq"
    " AND e.sent_at IS NULL) ORDER BY a.seq LIMIT $2 FOR UPDATE OF a SKIP LOCKED"
)


class Sender:
    """One copy of the sender, for the organisations whose keys this installation holds."""

    def __init__(self, pool: Pool, publisher: Publisher, topics: Topics) -> None:
        self._pool = pool
        self._publisher = publisher
        self._topics = topics
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at once: this process has just stored something to be sent."""
        self._woken.set()

    async def turn(self, orgs: list[OrgId]) -> int:
        """Send what is due, once; returns how many answers Kafka has confirmed.

        Their rows stay locked until then. Whoever dies in between lets go of them with its connection, and the next
        sender sends them again under the same id.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            due = await connection.fetch(_CLAIM, orgs, limits.answers_claimed_max)
            messages = [
                Message(
                    self._topics.name(Flow.PROVIDER_TO_BROKER, OrgId(row["org_id"])),
                    from_json(row["attributes"]),
                    row["value"],
                )
                for row in due
            ]
            async with asyncio.timeout(limits.answers_send_seconds_max):
                arrived = await self._publisher.send(messages)
            confirmed = [row["seq"] for row, sent in zip(due, arrived, strict=True) if sent]
            await connection.execute(
                "UPDATE answer SET sent_at = clock_timestamp() WHERE seq = ANY($1::bigint[])", confirmed
            )
        return len(confirmed)

    async def run(self, orgs: list[OrgId]) -> None:
        """Send until cancelled, whatever becomes of Kafka and PostgreSQL in the meantime. `orgs` may grow meanwhile."""
        while True:
            retrying = AsyncRetrying(
                retry=retry_if_exception_type(TRANSIENT),
                wait=wait_random_exponential(multiplier=0.1, max=5),
                before_sleep=lambda state: log.warning("answers wait (attempt %d)", state.attempt_number),
            )
            async for attempt in retrying:
                with attempt:
                    self._woken.clear()
                    sent = await self.turn(orgs)
            if not sent:
                await self._rest()

    async def _rest(self) -> None:
        """Until this process stores something, or it is time to look for what others stored."""
        with suppress(TimeoutError):  # `wait_for` may lose a cancellation before Python 3.12
            async with asyncio.timeout(limits.answers_idle_seconds):
                await self._woken.wait()
