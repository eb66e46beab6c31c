"""The broker's work loop: a batch in, a transaction, the messages out; and the same for deadlines that pass.

The transaction is the only moment at which anything takes effect. Messages are sent right after it by this process;
what Kafka has not confirmed stays in the outbox, from which a relay takes it over and asks the gate again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition

from broker import batch
from broker.bus.intake import TransientError
from broker.bus.publisher import Confirmation, Message, Publisher, confirm_by
from broker.handlers import deadline_passed, policy_changed
from broker.handlers.cases import NextAction
from broker.handlers.desk import Desk, Draw
from broker.handlers.directory import Directory
from broker.reading import Reading, Verify, opened_all, understand_all
from broker.schemas.ids import OrgId, ReferralId, new_event_id, new_offer_id
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import RecipientCategory
from broker.sql.bulk import Connection, Pool
from broker.sql.transient import TRANSIENT
from broker.store import early
from broker.store.directory import clock_and_directory, directory_at
from broker.store.known import Before
from broker.store.ladder import load_ladder
from broker.store.loading import ConsentCache, Wanted, load
from broker.store.policies import Packs, settle, unsettled
from broker.store.unsealed import SealWatch
from broker.store.writing import Queued, forget_sent, write
from broker.ticking import ClockGuard
from broker.trail.entries import fresh_salt

log = logging.getLogger(__name__)

Record = ConsumerRecord[bytes, bytes]

CONFIRM_SECONDS: Final = 0.05
"""How long confirmed messages may linger in the outbox when no further batch takes their deletion along."""
BATCHES_IN_FLIGHT_MAX: Final = 4
"""Batches whose messages Kafka has not confirmed yet; more would pile up in memory while Kafka is away."""
_RELEASING: Final = frozenset({NextAction.ASK_FOR_KEYS, NextAction.CHASE_HANDOFF})
"""Where the gate is asked anew what goes out, so that the ciphertexts must be at hand."""
DUE_PER_TICK_MAX: Final = 100
"""Deadlines worked in one transaction: enough to drain a backlog, few enough to keep others waiting briefly."""


_NEEDS_DUE: Final = (
    "SELECT n.referral_id, n.category, n.next_action FROM need n JOIN referral r USING (referral_id)"
    " WHERE n.due_at <= $1 ORDER BY n.due_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED"
)
_RECALLS_DUE: Final = (
    "SELECT a.referral_id, a.offer_id FROM recall a JOIN referral r USING (referral_id)"
    " WHERE a.due_at <= $1 ORDER BY a.due_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED"
)
_GLASS_DUE: Final = (
    "SELECT g.referral_id, g.break_glass_id FROM break_glass g JOIN referral r USING (referral_id)"
    " WHERE g.due_at <= $1 ORDER BY g.due_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED"
)


def draw() -> Draw:
    """Real randomness for the desk."""
    return Draw(event_id=new_event_id, offer_id=new_offer_id, salt=fresh_salt)


@dataclass(slots=True)
class Parts:
    """What a pipeline is made of; `app.py` puts it together."""

    pool: Pool
    publisher: Publisher
    topics: Topics
    packs: Packs
    broker_org: OrgId
    check_of: Callable[[Directory], Verify] | None
    draw: Draw = field(default_factory=draw)
    database_clock: Callable[[datetime], datetime] = lambda told: told
    """How a clock process hears the database's; a test lets it step."""
    seal: SealWatch = field(default_factory=SealWatch)


class Pipeline:
    """One process's share of the broker's work. Any number of copies may run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._owner = str(uuid4())
        self._directory = Directory.empty()
        self._consents = ConsentCache()
        self._recent_offers: dict[OrgId, int] = {}
        self._guard = ClockGuard(parts.broker_org)
        self._settling: tuple[int, datetime] | None = None
        self._in_order = asyncio.Lock()
        self._in_flight = asyncio.Semaphore(BATCHES_IN_FLIGHT_MAX)
        self._confirming: dict[asyncio.Task[None], frozenset[str]] = {}
        self._confirmed: list[int] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to clear confirmed messages in quiet moments."""
        self._sweeper = asyncio.create_task(self._sweep(), name="outbox-sweep")

    async def stop(self) -> None:
        """Finish sending, clear what was confirmed."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await asyncio.gather(*self._confirming)
        try:
            await self._clear_confirmed()
        except TRANSIENT as error:
            log.info("confirmed messages stay in the outbox for now (%s)", type(error).__name__)

    # --- from Kafka ----------------------------------------------------------------------------------------------

    async def store(self, records: Sequence[Record]) -> None:
        """Take a batch in.

        Raises:
            TransientError: nothing was stored and the batch is to be tried again.
        """
        await self._take_in(opened_all(records, self._parts.topics))

    async def _take_in(self, readings: Sequence[Reading]) -> None:
        by = confirm_by()
        try:
            async with self._parts.pool.acquire() as connection:
                owner, queued = self._owner, await self._store(connection, readings)
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error
        await self._dispatch(queued, owner, by)

    async def _store(self, connection: Connection, readings: Sequence[Reading]) -> list[Queued]:
        """One transaction; where PostgreSQL refuses its content, the record to blame is found by halving."""
        try:
            return await self._transaction(connection, readings)
        except TRANSIENT:
            raise
        except asyncpg.PostgresError as error:
            if len(readings) == 1:
                log.error("a record could not be stored (%s): quarantined", type(error).__name__)
                readings[0].refused = Refused(RefusalCode.BROKER_FAULT)
                return await self._transaction(connection, readings)
            middle = len(readings) // 2
            first = await self._store(connection, readings[:middle])
            return first + await self._store(connection, readings[middle:])

    async def _transaction(self, connection: Connection, readings: Sequence[Reading]) -> list[Queued]:
        async with self._unit_of_work(connection) as confirmed:
            before = await batch.known_before(connection, readings)
            desk = await self._understood(connection, readings, before)
            told_before = await batch.refused_before(connection, readings, before.stored)
            await load(
                connection, desk, batch.wanted_of(readings), self._consents, self._parts.packs, before.background
            )
            result = batch.work(desk, readings, before.known, told_before)
            if result.early:
                await early.keep(connection, result.early, before.now)
            if waited := [reading.record for reading in readings if reading.waited]:
                await early.settle(connection, waited)
            ends = dict(before.stored)
            for reading in readings:
                place = (reading.record.topic, reading.record.partition)
                ends[place] = max(ends.get(place, 0), reading.record.offset + 1)
            queued = await write(
                connection,
                desk,
                self._parts.topics,
                self._owner,
                result.taken,
                result.quarantined,
                [(topic, partition, offset) for (topic, partition), offset in ends.items()],
                confirmed,
            )
        for version in desk.written.consents:
            self._consents.keep(version)
        return queued

    async def _understood(self, connection: Connection, readings: Sequence[Reading], before: Before) -> Desk:
        """Read the batch against the directory of this moment; returns an empty desk for it."""
        now, parts = before.now, self._parts
        self._directory = await directory_at(connection, self._directory, now, before.directory_version)
        await parts.packs.learn(connection, {self._directory.policy})
        check = parts.check_of(self._directory) if parts.check_of is not None else None
        await understand_all(readings, parts.topics, self._directory, check, now)
        return self._desk(now)

    def _desk(self, now: datetime) -> Desk:
        parts = self._parts
        environment = parts.topics.environment
        desk = Desk(now, parts.packs, self._directory, parts.draw, parts.broker_org, environment)
        desk.recent_offers = self._recent_offers
        return desk

    @asynccontextmanager
    async def _unit_of_work(self, connection: Connection) -> AsyncIterator[list[int]]:
        """A transaction in which confirmed messages are forgotten; if it fails, they are kept for the next one."""
        confirmed, self._confirmed = self._confirmed, []
        try:
            async with connection.transaction():
                yield confirmed
        except BaseException:
            self._confirmed = confirmed + self._confirmed
            raise

    async def positions(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where the store says that these partitions go on."""
        try:
            rows = await self._parts.pool.fetch(
                "SELECT topic, partition, next_offset FROM position"
                " JOIN unnest($1::text[], $2::integer[]) AS w(topic, partition) USING (topic, partition)",
                [place.topic for place in partitions],
                [place.partition for place in partitions],
            )
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error
        return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    # --- from the clock ------------------------------------------------------------------------------------------

    async def work_due(self) -> int:
        """Work deadlines that have passed; returns how many there were.

        Raises:
            TransientError: nothing was done; try again.
        """
        try:
            async with self._parts.pool.acquire() as connection:
                asked_at, by = self._guard.own(), confirm_by()
                told, self._directory = await clock_and_directory(connection, self._directory)
                now = self._parts.database_clock(told)
                if await self._guard.holds(connection, now, asked_at):
                    return 0
                await self._parts.packs.learn(connection, {self._directory.policy})
                owner = self._owner
                worked, queued = await self._due_transaction(connection, now)
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error
        await self._dispatch(queued, owner, by)
        return worked

    async def _due_transaction(self, connection: Connection, now: datetime) -> tuple[int, list[Queued]]:
        async with self._unit_of_work(connection) as confirmed:
            desk = self._desk(now)
            needs = await connection.fetch(_NEEDS_DUE, desk.now, DUE_PER_TICK_MAX)
            recalls = await connection.fetch(_RECALLS_DUE, desk.now, DUE_PER_TICK_MAX)
            emergencies = await connection.fetch(_GLASS_DUE, desk.now, DUE_PER_TICK_MAX)
            broken = {row["referral_id"] for row in emergencies}
            asked = {row["referral_id"] for row in recalls} | broken
            releasing = {row["referral_id"] for row in needs if row["next_action"] in _RELEASING}
            under_another = await self._under_another_policy(connection, now)
            referrals = {*asked, *under_another, *(row["referral_id"] for row in needs)}
            wanted = Wanted(referrals=referrals, recalls_of=asked, sealed_of=releasing)
            await load(connection, desk, wanted, self._consents, self._parts.packs)
            await load_ladder(connection, desk, needs)
            for name in under_another:
                policy_changed.work(desk.referrals[name], desk)
            for row in needs:
                referral = desk.referrals[ReferralId(row["referral_id"])]
                deadline_passed.work(referral, RecipientCategory(row["category"]), desk)
            for row in emergencies:
                deadline_passed.work_glass(desk.referrals[ReferralId(row["referral_id"])], row["break_glass_id"], desk)
            for row in recalls:
                deadline_passed.work_recall(desk.referrals[ReferralId(row["referral_id"])], row["offer_id"], desk)
            queued = await write(connection, desk, self._parts.topics, self._owner, confirmed=confirmed)
        return len(needs) + len(recalls) + len(under_another) + len(emergencies), queued

    async def _under_another_policy(self, connection: Connection, now: datetime) -> list[ReferralId]:
        """After a change of the pack: open referrals that are not under it yet. Where there are none, it is settled.

        A batch that began before the change could be seen may still bring one; so none may be left when it is over.
        """
        activation = self._directory.settling
        if activation is None:
            return []
        if self._settling is None or self._settling[0] != activation:
            self._settling = (activation, now)
        reference = self._directory.policy
        found = await unsettled(connection, reference, DUE_PER_TICK_MAX)
        if not found:
            await settle(connection, reference, *self._settling)
        return found

    async def work_early(self) -> int:
        """Read keys again whose referral has come since, or that wait in vain; returns how many.

        Raises:
            TransientError: nothing was done; try again.
        """
        try:
            async with self._parts.pool.acquire() as connection:
                records = await early.due(connection)
        except TRANSIENT as error:
            raise TransientError(type(error).__name__) from error
        if records:
            await self._take_in(opened_all(records, self._parts.topics, waited=True))
        return len(records)

    # --- to Kafka ------------------------------------------------------------------------------------------------

    async def _dispatch(self, queued: Sequence[Queued], owner: str, by: float) -> None:
        """Send what was just committed, in the order of commits; confirmations are awaited beside the next batch.

        Of one subject nothing is sent before what precedes it is confirmed. Where that was not, `owner`, under whom
        this was queued, is not ours any more: all of it is left to a relay, which keeps the order. So is what cannot be
        confirmed `by` then, counted from before it was decided, so that our lease of it still holds.
        """
        direct = [item for item in queued if item.direct]
        about = frozenset(item.message.envelope.subject for item in direct)
        if before := [task for task, others in self._confirming.items() if not others.isdisjoint(about)]:
            await asyncio.wait(before)
        if not direct or owner != self._owner:
            return
        if self._parts.seal.stopped:
            # A relay sends it when the trail is sealed again, and what follows it queues behind.
            self._owner = str(uuid4())
            return
        topics = self._parts.topics
        async with self._in_order:
            outgoing = [item.message for item in direct]
            messages = [Message(topics.name(m.flow, m.recipient), m.attributes, m.value) for m in outgoing]
            handed = await self._parts.publisher.queue(messages, by)
        await self._in_flight.acquire()
        task = asyncio.create_task(self._confirm(direct, handed, by), name="outbox-confirm")
        self._confirming[task] = about
        task.add_done_callback(self._confirming.pop)

    async def _confirm(self, items: Sequence[Queued], handed: Sequence[Confirmation], by: float) -> None:
        try:
            confirmed = await self._parts.publisher.confirmed(handed, by)
        finally:
            self._in_flight.release()
        self._confirmed.extend(item.seq for item, arrived in zip(items, confirmed, strict=True) if arrived)
        if not all(confirmed):
            # What is left belongs to nobody now: a relay takes it over, and our next messages queue behind it.
            self._owner = str(uuid4())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(CONFIRM_SECONDS)
            try:
                await self._clear_confirmed()
            except TRANSIENT as error:
                log.debug("confirmed messages stay in the outbox for now (%s)", type(error).__name__)

    async def _clear_confirmed(self) -> None:
        confirmed, self._confirmed = self._confirmed, []
        try:
            if confirmed:
                async with self._parts.pool.acquire() as connection:
                    await forget_sent(connection, confirmed)
        except BaseException:
            self._confirmed = confirmed + self._confirmed
            raise
