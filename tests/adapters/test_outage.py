"""Kafka and PostgreSQL go away and come back: the zone goes on by itself, and nothing is lost or doubled."""

import asyncio
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from adapters.inbox.inboxes import database as pool_of
from adapters.tables import ZONE
from broker.local.parts import LocalParts
from broker.schemas.ids import OrgId
from broker.schemas.topics import Topics
from broker.sql.bulk import Pool
from broker.sql.migrate import migrate
from tests.adapters.network import Installation, Voice, until

HAVEN = OrgId("org-haven")


async def test_the_zone_outlives_an_outage_of_each_part(own_parts: LocalParts, home: Path) -> None:
    """PostgreSQL killed under incoming offers, Kafka under outgoing answers; both started again on their ports."""
    async with pool_of(own_parts.provider_database.app_dsn) as pool:
        installation = await _installed(own_parts, pool, home / "zones")
        voice = installation.voice
        async with installation.running() as zone:
            inbox = zone.inbox(HAVEN)
            first, _ = await voice.offer(HAVEN)
            await until(inbox.offers)

            await asyncio.to_thread(own_parts.postgres.kill)
            second, _ = await voice.offer(HAVEN)
            await asyncio.to_thread(own_parts.postgres.start)

            async def both() -> bool:
                return {offer.offer_id for offer in await inbox.offers()} == {first, second}

            await until(both)
            await voice.answers(HAVEN, count=2)

            await asyncio.to_thread(own_parts.kafka.kill)
            answered = [await inbox.accept(offer_id) for offer_id in (first, second)]
            assert not await inbox.sent(answered[0].event_id)
            await asyncio.to_thread(own_parts.kafka.start)
            for answer in answered:
                await until(partial(inbox.sent, answer.event_id))
            third, _ = await voice.offer(HAVEN)
            await until(lambda: _listed(installation, third))
            answers = await voice.answers(HAVEN, count=5)
            while len({answer.envelope.id for answer in answers}) < 5:  # Kafka may have had one before it was killed
                answers = await voice.answers(HAVEN, count=len(answers) + 1)
    said = {(answer.envelope.type.split(".")[3], answer.envelope.offerid): answer.envelope.id for answer in answers}
    assert set(said) == {
        *(("receipted", offer_id) for offer_id in (first, second, third)),
        *(("accepted", offer_id) for offer_id in (first, second)),
    }
    assert set(said.values()) == {answer.envelope.id for answer in answers}


async def _listed(installation: Installation, offer_id: str) -> bool:
    return bool(await installation.rows("SELECT 1 FROM offer WHERE offer_id = $1", offer_id))


async def _installed(parts: LocalParts, pool: Pool, zones: Path) -> Installation:
    await migrate(parts.provider_database.owner_dsn, ZONE)
    voice = Voice({"bootstrap_servers": parts.kafka_bootstrap}, Topics())

    async def create_topics(*names: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=parts.kafka_bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, 1, 1) for name in names])
        finally:
            await admin.close()

    installation = Installation(voice, zones, pool, parts.provider_database.app_dsn, create_topics)
    await installation.serve(HAVEN)
    return installation
