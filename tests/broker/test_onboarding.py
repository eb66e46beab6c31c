"""An organisation's topics are made as the operator's settings say, or none is and it is said why."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from broker import limits
from broker.app import host
from broker.composition import kafka_of
from broker.errors import TopicRefused
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import OrgClass
from broker.settings import Settings
from tests.broker.county import County
from tests.broker.facts import card

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def topics_of_one(settings: Settings, org: OrgId) -> dict[str, int]:
    """An organisation's topics, by the number of their partitions."""
    admin = AIOKafkaAdminClient(**kafka_of(settings))
    await admin.start()
    try:
        mine = [name for name in await admin.list_topics() if name.endswith(f".{org}")]
        return {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(mine)} if mine else {}
    finally:
        await admin.close()


async def test_topics_are_made_with_as_many_partitions_as_are_set(served: County) -> None:
    """HANDOFF_TOPIC_PARTITIONS: of every topic of the organisation."""
    org = OrgId("org-three-hospital")
    settings = served.settings.model_copy(update={"topic_partitions": 3})
    async with served.pool.acquire() as connection:
        await host(settings, connection, card(org, OrgClass.HOSPITAL_HIPAA))
    made = await topics_of_one(settings, org)
    assert set(made) == set(served.topics.of_organisation(org, provider=False))
    assert set(made.values()) == {3}


async def test_more_replicas_than_kafka_has_servers_make_nothing(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HANDOFF_TOPIC_REPLICAS: no topic, and nobody is onboarded who could not be heard."""
    monkeypatch.setattr(limits, "kafka_servers_wait_seconds", 1)
    org = OrgId("org-spread-hospital")
    settings = served.settings.model_copy(update={"topic_replicas": 3})
    async with served.pool.acquire() as connection:
        with pytest.raises(TopicRefused, match="InvalidReplicationFactorError"):
            await host(settings, connection, card(org, OrgClass.HOSPITAL_HIPAA))
    assert await topics_of_one(settings, org) == {}
    assert not await served.pool.fetchval("SELECT 1 FROM organisation WHERE org_id = $1", org)
