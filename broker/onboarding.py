"""Onboard an organisation: its row, its keys and its topics, by one call, without code and without a restart."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from broker.limits import keys_retention_hours_max
from broker.schemas.event import Flow
from broker.schemas.topics import Topics
from broker.seal.cards import KeyCard
from broker.sql.bulk import Connection
from broker.store.directory import OrganisationCard, onboard
from broker.store.keys import register_key
from broker.trail.entries import fresh_salt

PARTITIONS: Final = 4
"""Per topic: how many broker processes can share one agency's traffic. More can be added to a topic later."""
HOUR_MS: Final = 3600 * 1000
RETENTION_MS: Final = 7 * 24 * HOUR_MS
"""How long Kafka keeps a record (domain.md §7.5)."""


async def onboard_organisation(
    connection: Connection,
    kafka: dict[str, Any],
    topics: Topics,
    card: OrganisationCard,
    keys: Sequence[KeyCard],
    *,
    partitions: int = PARTITIONS,
    replicas: int = 1,
    keys_hours: int = keys_retention_hours_max,
) -> list[str]:
    """Make the organisation known; returns its topics. Safe to repeat, for a change of the card too.

    `keys` are the cards of its signing and sealing keys; `keys_hours` is how long Kafka keeps wrapped ones.

    Raises:
        PublicKeyRefused, KeyExists: a card is another organisation's, or another key has its id.
    """
    names = topics.of_organisation(card.org_id, provider=card.category is not None)
    apart = {topics.name(flow, card.org_id): keys_hours for flow in (Flow.KEYS_TO_PROVIDER, Flow.KEYS_TO_BROKER)}
    await create_topics(kafka, names, partitions=partitions, replicas=replicas, hours=apart)
    async with connection.transaction():
        await onboard(connection, card, fresh_salt())
        for key in keys:
            await register_key(connection, card.org_id, key)
    return list(names)


async def create_topics(
    kafka: dict[str, Any],
    names: Sequence[str],
    *,
    partitions: int,
    replicas: int,
    hours: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Create the topics that are missing; those of `hours` forget after so many, the others after a week."""
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        wanted = [
            NewTopic(name, partitions, replicas, topic_configs=_retention(hours.get(name)))
            for name in names
            if name not in known
        ]
        if wanted:
            await admin.create_topics(wanted)
    except TopicAlreadyExistsError:
        pass  # Another onboarding was quicker; the topic is there, which is all that was wanted.
    finally:
        await admin.close()


def _retention(hours: int | None) -> dict[str, str]:
    """Kafka deletes whole segments only: of a topic that is to forget soon, each holds no more than an hour."""
    if hours is None:
        return {"retention.ms": str(RETENTION_MS)}
    return {"retention.ms": str(hours * HOUR_MS), "segment.ms": str(HOUR_MS)}
