"""Batches from Kafka: whatever is handed on is stored before its offset is committed, however often it takes.

FastStream's batch subscriber with its own parsing bypassed: the parser here never raises, the handler takes no
injected parameters and the acknowledgment is our own commit of exactly the offsets that were stored
(docs/decisions/0031). Correctness does not rest on the offsets: the store knows what it has taken in.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from broker.bus.connection import faststream_options
from broker.bus.stopping import STOP_SECONDS, stopped

log = logging.getLogger(__name__)

Record = ConsumerRecord[bytes, bytes]
Store = Callable[[Sequence[Record]], Awaitable[None]]
"""Takes a batch in durably; raises `TransientError` where it can only be tried again."""

BATCH_RECORDS_MAX = 500
BATCH_WAIT_MS = 5
"""FastStream sleeps this long twice on an idle topic; more would be felt as latency."""
FETCH_WAIT_MS = 50
"""aiokafka has one request to a broker at a time. While one waits for partitions that have nothing, those that were
just read are not asked for again: at Kafka's own 500 ms a lone record could wait so long."""
COMMIT_SECONDS = 1.0
"""How often Kafka is told how far we are: only for people and for a store that was lost, so not for each batch."""
FETCH_BYTES_MAX = 1024 * 1024
METADATA_AGE_MS = 5_000
"""How soon a newly onboarded organisation's topic is picked up."""
MAX_POLL_INTERVAL_MS = 600_000
SESSION_TIMEOUT_MS = 6_000
"""The least that Kafka allows by default: a killed process holds its partitions for so long."""
RETRY_SECONDS_MAX = 5


class TransientError(Exception):
    """The store could not be reached or asked to be tried again; nothing was taken in."""


class Positions(Protocol):
    """Where the store says that each partition goes on."""

    async def __call__(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The next offset of each partition that the store has seen."""
        ...


class Intake:
    """One member of a consumer group that reads every topic of a pattern in batches."""

    def __init__(
        self, kafka: Mapping[str, Any], pattern: str, group: str, store: Store, positions: Positions | None = None
    ) -> None:
        self._store = store
        self._broker = KafkaBroker(**_broker_options(kafka), ack_policy=AckPolicy.MANUAL, logger=None)
        self._subscriber = self._broker.subscriber(
            pattern=pattern,
            group_id=group,
            batch=True,
            max_records=BATCH_RECORDS_MAX,
            batch_timeout_ms=BATCH_WAIT_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES_MAX,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 3,
            listener=None if positions is None else _SeekToStored(self, positions),
            parser=self._parse,
            decoder=_undecoded,
        )
        self._subscriber(self._on_batch)
        self.last_stored: float = 0.0
        """Loop time at which a batch was last stored; readiness is judged by it, not by a ping."""
        self._stored: dict[TopicPartition, int] = {}
        self._committer: asyncio.Task[None] | None = None

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The consumer while the intake runs."""
        return self._subscriber.consumer

    async def start(self) -> None:
        """Join the group, waiting for Kafka as long as it takes."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((KafkaError, OSError)),
            wait=wait_random_exponential(multiplier=0.2, max=RETRY_SECONDS_MAX),
        )
        async for attempt in retrying:
            with attempt:
                try:
                    await self._broker.start()
                except BaseException:
                    await stopped(self._broker)
                    raise
        self._committer = asyncio.create_task(self._commit_now_and_then(), name="offset-commit")

    async def stop(self) -> None:
        """Finish the batch in hand and leave the group."""
        if self._committer is not None:
            self._committer.cancel()
            await asyncio.wait({self._committer})
            await asyncio.wait({asyncio.ensure_future(self.commit())}, timeout=STOP_SECONDS)
        await stopped(self._broker)

    async def _parse(self, records: Any) -> KafkaAckableMessage:
        """A total parser: it touches nothing, so nothing in a record can make it fail."""
        return KafkaAckableMessage(
            raw_message=records, body=b"", headers={}, consumer=cast("Any", self.consumer), correlation_id="batch"
        )

    async def _on_batch(self) -> None:
        message = self._broker.context.get_local("message")
        records: Sequence[Record] = message.raw_message
        if not records:
            return
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Exception),
            wait=wait_random_exponential(multiplier=0.1, max=RETRY_SECONDS_MAX),
            before_sleep=lambda state: log.warning(
                "batch not stored (%s), trying again: attempt %d", _named(state), state.attempt_number
            ),
        )
        async for attempt in retrying:
            with attempt:
                await self._store(records)
        self.last_stored = asyncio.get_running_loop().time()
        for record in records:
            self._stored[TopicPartition(record.topic, record.partition)] = record.offset + 1

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self.commit()

    async def commit(self) -> None:
        """Tell Kafka how far we are. A commit that fails is a hint lost, no more: the store drops repeats."""
        consumer, stored, self._stored = self.consumer, self._stored, {}
        if consumer is None:
            return
        ours = consumer.assignment()
        offsets = {partition: offset for partition, offset in stored.items() if partition in ours}
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (KafkaError, IllegalStateError) as error:
            log.info("offsets not committed (%s); repeats will be dropped", type(error).__name__)


def _named(state: RetryCallState) -> str:
    """What went wrong, by type: a message might hold a value."""
    failure = state.outcome.exception() if state.outcome is not None else None
    cause = failure.__cause__ if failure is not None else None
    return type(cause or failure).__name__


async def _undecoded(message: Any) -> bytes:
    return b""


def _broker_options(kafka: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **faststream_options(kafka),
        "metadata_max_age_ms": METADATA_AGE_MS,
        "allow_auto_create_topics": False,
        "consumer_only": True,
    }


class _SeekToStored(ConsumerRebalanceListener):
    """On assignment go on where the store says: Kafka's own offsets may be behind it, or, after a restore, ahead."""

    def __init__(self, intake: Intake, positions: Positions) -> None:
        self._intake = intake
        self._positions = positions

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Tell Kafka how far we came. A batch in hand is stored or not, whoever reads it next."""
        await self._intake.commit()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Pause first, before anything is awaited: records would be delivered before the seek otherwise."""
        consumer = self._intake.consumer
        if consumer is None or not assigned:
            return
        consumer.pause(*assigned)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((TransientError, KafkaError, OSError)),
            wait=wait_random_exponential(multiplier=0.1, max=RETRY_SECONDS_MAX),
        )
        async for attempt in retrying:
            with attempt:
                stored = await self._positions(list(assigned))
                ends = await consumer.end_offsets(list(stored)) if stored else {}
        for partition, offset in stored.items():
            if offset <= ends[partition]:
                consumer.seek(partition, offset)
            else:
                log.error("%s ends before what was stored of it: read from its start", partition.topic)
                await consumer.seek_to_beginning(partition)
        consumer.resume(*assigned)
