"""Onboard an organisation: its row, its keys and its topics, by one call, without code and without a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidReplicationFactorError, NoError, TopicAlreadyExistsError, for_code
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from broker import limits
from broker.errors import TooFewServers, TopicRefused
from broker.schemas.event import Flow
from broker.schemas.topics import Topics
from broker.seal.cards import KeyCard
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.directory import OrganisationCard, onboard
from broker.store.keys import register_key
from broker.trail.entries import fresh_salt

HOUR_MS: Final = 3600 * 1000
RETENTION_MS: Final = 7 * 24 * HOUR_MS
"""How long Kafka keeps a record (domain.md §7.5)."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How Kafka keeps an organisation's topics: in so many partitions, each so many times, wrapped keys so long."""

    partitions: int
    replicas: int
    keys_hours: int


def kept(settings: Settings) -> Kept:
    """As these settings say."""
    return Kept(settings.topic_partitions, settings.topic_replicas, settings.keys_retention_hours)


async def onboard_organisation(
    connection: Connection,
    kafka: dict[str, Any],
    topics: Topics,
    card: OrganisationCard,
    keys: Sequence[KeyCard],
    how: Kept,
) -> list[str]:
    """Make the organisation known; returns its topics. Safe to repeat, for a change of the card too.

    `keys` are the cards of its signing and sealing keys. Topics that exist stay as they are.

    Raises:
        PublicKeyRefused, KeyExists: a card is another organisation's, or another key has its id.
        TopicRefused: Kafka refuses to make a topic; the organisation is not onboarded.
    """
    names = topics.of_organisation(card.org_id, provider=card.category is not None)
    apart = {topics.name(flow, card.org_id): how.keys_hours for flow in (Flow.KEYS_TO_PROVIDER, Flow.KEYS_TO_BROKER)}
    await create_topics(kafka, names, partitions=how.partitions, replicas=how.replicas, hours=apart)
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
    """Create the topics that are missing; those of `hours` forget after so many, the others after a week.

    Where Kafka has too few servers they are waited for a while: one that has just come does not count at once.

    Raises:
        TopicRefused: Kafka refuses to make one of them, and says why by its own code; others may be there.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TooFewServers),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(limits.kafka_servers_wait_seconds),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            await _create_topics(kafka, names, partitions, replicas, hours)


async def _create_topics(
    kafka: dict[str, Any], names: Sequence[str], partitions: int, replicas: int, hours: Mapping[str, int]
) -> None:
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        known = set(await admin.list_topics())
        wanted = [
            NewTopic(name, partitions, replicas, topic_configs=_retention(hours.get(name)))
            for name in names
            if name not in known
        ]
        made = (await admin.create_topics(wanted)).to_object()["topic_errors"] if wanted else ()
    finally:
        await admin.close()
    for one in made:
        # Another onboarding may have been quicker; then the topic is there, which is all that was wanted.
        if (code := one["error_code"]) not in (NoError.errno, TopicAlreadyExistsError.errno):
            refused = TooFewServers if code == InvalidReplicationFactorError.errno else TopicRefused
            raise refused(f"Kafka refuses to make the topic {one['topic']}: {for_code(code).__name__}.")


def _retention(hours: int | None) -> dict[str, str]:
    """Kafka deletes whole segments only: of a topic that is to forget soon, each holds no more than an hour."""
    if hours is None:
        return {"retention.ms": str(RETENTION_MS)}
    return {"retention.ms": str(hours * HOUR_MS), "segment.ms": str(HOUR_MS)}
