"""One batch of the broker's words is one transaction of the provider's database: stored once, or tried again whole.

What cannot be acted on is set aside by code with its place in Kafka, never with its content, and never stops the rest.
"""

import logging
from collections.abc import Mapping, Sequence

import asyncpg
from aiokafka import TopicPartition

from adapters import rows
from adapters.channels import Transports
from adapters.file import File
from adapters.handing_on import load_channels, save_queued
from adapters.provider import Provider
from adapters.reading import Hearing, Reading, Record
from adapters.stories import Arrival, AsideCode, PutAside, apply
from broker.bus.intake import TransientError
from broker.schemas.ids import OrgId, new_event_id
from broker.schemas.topics import Topics
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)


class Receiver:
    """Takes in what the broker says to the providers of this installation. Any number of copies may run."""

    def __init__(
        self,
        pool: Pool,
        topics: Topics,
        broker_org: OrgId,
        providers: Mapping[OrgId, Provider],
        transports: Transports,
    ) -> None:
        self._pool = pool
        self._topics = topics
        self._transports = transports
        self._hearing = Hearing(topics, broker_org, providers)

    async def store(self, records: Sequence[Record]) -> None:
        """Take a batch in.

        Raises:
            TransientError: nothing was stored and the batch is to be tried again.
        """
        try:
            now = await self._pool.fetchval("SELECT clock_timestamp()")
            await self._store(await self._hearing.read_all(records, now))
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error

    async def positions(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where the database says that these partitions go on.

        Raises:
            TransientError: it could not be asked.
        """
        try:
            async with self._pool.acquire() as connection:
                found = await rows.positions(connection, [(place.topic, place.partition) for place in partitions])
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error
        return {TopicPartition(topic, partition): offset for (topic, partition), offset in found.items()}

    async def _store(self, readings: Sequence[Reading]) -> None:
        """One transaction; where PostgreSQL refuses a batch for its content, halving finds the record to blame."""
        try:
            await self._transaction(readings)
        except TRANSIENT:
            raise
        except asyncpg.PostgresError as error:
            if len(readings) == 1:
                log.error("a record could not be stored (%s): set aside", type(error).__name__)
                readings[0].code = AsideCode.ADAPTER_FAULT.value
                await self._transaction(readings)
                return
            middle = len(readings) // 2
            await self._store(readings[:middle])
            await self._store(readings[middle:])

    async def _transaction(self, readings: Sequence[Reading]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            now = await connection.fetchval("SELECT clock_timestamp()")
            stored = await rows.positions(connection, rows.places(readings), lock=True)
            file = File(now=now, environment=self._topics.environment, draw=new_event_id)
            await rows.load(connection, file, readings)
            await load_channels(connection, file, readings, self._transports)
            aside, taken = _work(file, readings)
            await rows.save(connection, file, taken, aside)
            await save_queued(connection, file)
            await rows.advance(connection, readings, stored)


def _work(file: File, readings: Sequence[Reading]) -> tuple[list[tuple[Reading, str]], list[Reading]]:
    """Work a batch in the order of its partitions; returns what was set aside, with its code, and what was taken in."""
    aside: list[tuple[Reading, str]] = []
    taken: list[Reading] = []
    for reading in readings:
        if reading.code is not None:
            aside.append((reading, reading.code))
            continue
        assert reading.provider is not None
        assert reading.envelope is not None
        assert reading.fact is not None
        key = (reading.provider.org, reading.envelope.id)
        if key in file.known:
            continue
        file.known.add(key)
        taken.append(reading)
        try:
            apply(file, Arrival(reading.provider, reading.envelope), reading.fact)
        except PutAside as put:
            aside.append((reading, put.code.value))
        except Exception as defect:  # noqa: BLE001
            # A defect of ours must neither lose the event nor block its partition. Its message might hold a value.
            log.error("a story failed with %s", type(defect).__name__)
            aside.append((reading, AsideCode.ADAPTER_FAULT.value))
    for reading, code in aside:
        record = reading.record
        log.warning("set aside %s/%d/%d: %s", record.topic, record.partition, record.offset, code)
    return aside, taken
