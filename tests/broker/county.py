"""A county on real Kafka and PostgreSQL: a test speaks as any of its organisations and hears what each of them hears.

Every message that is heard is checked to be signed by the broker. `settled` is the one way of waiting: every record
that was published has been taken in, and every message that followed from it has left.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from broker.app import hand_out_directory, host, prepare
from broker.bus.stopping import stopped
from broker.composition import (
    BROKER_PROCESSES,
    Process,
    broker_pool,
    broker_signer,
    ensure_broker_key,
    ensure_log_key,
    kafka_of,
    running_broker,
    zone_folder,
)
from broker.schemas.envelope import Envelope, Received, binary_record, read_envelope
from broker.schemas.event import TO_BROKER, EventData, Flow
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import ConsentId, EventId, KeyId, OrgId, new_event_id
from broker.schemas.topics import Topics
from broker.seal.key_files import read_cards
from broker.seal.keys import PublicSigningKey, SigningKey, load_signing_key
from broker.seal.signature import VerifiedSignature, verify
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.store.directory import OrganisationCard
from broker.zone import KEYS_FOLDER
from tests.broker import facts
from tests.broker.letters import Heard, Letter, until

Fact = TypeVar("Fact", bound=EventData)

_WRITTEN: Final = tuple(TO_BROKER)
_HEARD: Final = (Flow.BROKER_TO_SOURCE, Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER)


@dataclass(slots=True)
class County:
    """The county's organisations and their broker; `heard` is all that was received so far, in the topics' order."""

    settings: Settings
    topics: Topics
    pool: Pool
    producer: AIOKafkaProducer
    ear: AIOKafkaConsumer
    keys: dict[OrgId, SigningKey] = field(default_factory=dict)
    providers: set[OrgId] = field(default_factory=set)
    heard: list[Heard] = field(default_factory=list)
    _broker_keys: dict[KeyId, PublicSigningKey] = field(default_factory=dict)
    _ears: set[TopicPartition] = field(default_factory=set)

    # --- organisations -------------------------------------------------------------------------------------------

    async def onboard(self, *cards: OrganisationCard) -> None:
        """Add organisations with keys, topics and zones, while the broker runs or not."""
        async with self.pool.acquire() as connection:
            for card in cards:
                await host(self.settings, connection, card)
            await hand_out_directory(self.settings, connection)
        now = datetime.now(UTC)
        self.providers |= {card.org_id for card in cards if card.category is not None}
        for card in cards:
            folder = zone_folder(self.settings, card.org_id) / KEYS_FOLDER
            self.keys[card.org_id] = load_signing_key(folder, card.org_id, now)

    @asynccontextmanager
    async def broker(self, *processes: Process) -> AsyncIterator[None]:
        """The real broker in this process while the block lasts: all of it, or these processes."""
        async with running_broker(self.settings, *(processes or BROKER_PROCESSES)):
            yield

    # --- speaking ------------------------------------------------------------------------------------------------

    def letter(
        self,
        org: OrgId,
        fact: EventData | bytes,
        subject: str,
        *,
        flow: Flow | None = None,
        consent: tuple[ConsentId, int] | None = None,
        event: type[EventData] | None = None,
        **attributes: Any,
    ) -> Letter:
        """A signed event of an organisation. Raw bytes as `fact` need the `event` that they pretend to be."""
        kind = event or type(fact)
        assert issubclass(kind, EventData)
        envelope = Envelope(
            id=attributes.pop("id", None) or new_event_id(),
            org=org,
            type=kind.TYPE,
            subject=subject,
            time=attributes.pop("time", None) or datetime.now(UTC),
            consentid=consent[0] if consent else None,
            consentver=consent[1] if consent else None,
            **{"msgstatus": self.topics.environment, **attributes},
        )
        headers, value = binary_record(envelope, fact if isinstance(fact, bytes) else fact.wire())
        ways = (Flow.SOURCE_TO_BROKER, Flow.KEYS_TO_BROKER, Flow.PROVIDER_TO_BROKER)
        way = flow or next((one for one in ways if one in kind.FLOWS), Flow.PROVIDER_TO_BROKER)
        bare = Letter(self.topics.name(way, org), subject.encode(), [*headers], value)
        return bare.signed(self.keys[org])

    async def post(self, letter: Letter, *, partition: int | None = None) -> tuple[str, int, int]:
        """Put a record into Kafka; returns where it lies."""
        sent = await self.producer.send_and_wait(
            letter.topic,
            letter.value,
            key=letter.key,
            partition=partition,
            headers=letter.headers,
        )
        return sent.topic, sent.partition, sent.offset

    async def hand_over(self, letter: Letter) -> None:
        """Put a record into Kafka without waiting for each: `producer.flush()` waits for all."""
        await self.producer.send(letter.topic, letter.value, key=letter.key, headers=letter.headers)

    async def say(self, org: OrgId, fact: EventData, subject: str, *, times: int = 1, **how: Any) -> EventId:
        """Publish an event of an organisation, `times` over; returns its id."""
        letter = self.letter(org, fact, subject, **how)
        for _ in range(times):
            await self.post(letter)
        return letter.event_id

    # --- hearing -------------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until everything that was published is taken in and everything that followed has left; then listen."""
        await self._attend()
        await until(self._taken_in)
        await until(self._all_left)
        await self.listen()

    async def _taken_in(self) -> bool:
        """Whether the store's positions have reached the ends of all topics that organisations write to."""
        written = self._partitions(*_WRITTEN)
        ends = await self.ear.end_offsets(written)
        rows = await self.pool.fetch("SELECT topic, partition, next_offset FROM position")
        taken = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        return all(taken.get(place, 0) >= end for place, end in ends.items())

    async def _all_left(self) -> bool:
        return not await self.pool.fetchval(
            "SELECT EXISTS (SELECT 1 FROM outbox)"
            " OR EXISTS (SELECT 1 FROM early_keys JOIN referral USING (referral_id))"
        )

    def _partitions(self, *flows: Flow) -> list[TopicPartition]:
        names = {name for org in self.keys for name in self.topics.of_organisation(org, provider=org in self.providers)}
        wanted = [name for name in sorted(names) if (at := self.topics.parse(name)) and at[0] in flows]
        return [
            TopicPartition(name, partition) for name in wanted for partition in range(self.settings.topic_partitions)
        ]

    async def listen(self) -> None:
        """Take up everything that organisations have received so far."""
        await self._attend()
        places = self._partitions(*_HEARD)
        ends = await self.ear.end_offsets(places)
        while any([await self.ear.position(place) < end for place, end in ends.items()]):
            for records in (await self.ear.getmany(timeout_ms=200)).values():
                self.heard += [self._read(record) for record in records]

    async def _attend(self) -> None:
        """Know every topic, those too of which only the end is asked: aiokafka takes half a second for each other."""
        heard, written = self._partitions(*_HEARD), self._partitions(*_WRITTEN)
        new = {*heard, *written} - self._ears
        if new:
            at = {place: await self.ear.position(place) for place in self._ears.intersection(heard)}
            self._ears |= new
            self.ear.assign(list(self._ears))
            self.ear.pause(*written)
            for place in heard:
                self.ear.seek(place, at.get(place, 0))

    def _read(self, record: Any) -> Heard:
        found = self.topics.parse(record.topic)
        assert found is not None
        signed = verify(record.headers, record.value, self.settings.broker_org, self._broker_key)
        assert isinstance(signed, VerifiedSignature), "the broker signs everything that it publishes"
        received: Received = read_envelope(record.key, record.headers, record.value)
        assert found[0] in received.event_class.FLOWS
        everything = record.value + record.key + b"".join(name.encode() + text for name, text in record.headers)
        fact = received.event_class.read(received.data)
        return Heard(found[1], (record.topic, record.partition, record.offset), received.envelope, fact, everything)

    def _broker_key(self, key_id: KeyId) -> PublicSigningKey | None:
        if not self._broker_keys:
            folder = zone_folder(self.settings, self.settings.broker_org) / KEYS_FOLDER
            self._broker_keys = {card.key_id: PublicSigningKey(card.key_id, card.public) for card in read_cards(folder)}
        return self._broker_keys.get(key_id)

    def events(
        self, kind: type[Fact], *, org: OrgId | None = None, about: str | None = None
    ) -> list[tuple[Heard, Fact]]:
        """What was heard of one type, each event once; by one organisation or about one subject where that is asked."""
        seen: dict[EventId, tuple[Heard, Fact]] = {}
        for one in self.heard:
            wanted = org in (None, one.org) and about in (None, one.envelope.subject)
            if wanted and isinstance(one.fact, kind):
                seen.setdefault(one.envelope.id, (one, one.fact))
        return list(seen.values())

    # --- looking -------------------------------------------------------------------------------------------------

    async def need(self, referral: str, category: str = "SHELTER") -> Mapping[str, Any]:
        """A need's row."""
        found = "SELECT * FROM need WHERE referral_id = $1 AND category = $2"
        row = await self.pool.fetchrow(found, referral, category)
        assert row is not None, "no such need"
        return dict(row)

    async def offers(self, referral: str, **where: str) -> Sequence[Mapping[str, Any]]:
        """The offers of a referral, oldest first, with these values."""
        rows = await self.pool.fetch("SELECT * FROM offer WHERE referral_id = $1 ORDER BY made_at, offer_id", referral)
        return [dict(row) for row in rows if all(row[name] == value for name, value in where.items())]

    def facts(self, kind: type[Fact], *, org: OrgId | None = None, about: str | None = None) -> list[Fact]:
        """The same without their envelopes."""
        return [fact for _, fact in self.events(kind, org=org, about=about)]

    def refusal(self, event: EventId) -> tuple[str, str | None] | None:
        """With which code and field an event was refused; None where it was not. Told once, whoever repeats it."""
        told = [fact for fact in self.facts(EventRefused) if fact.event_id == event]
        assert len(told) <= 1
        return (told[0].code.value, told[0].field) if told else None

    async def work(self, referral: str) -> list[str]:
        """Why a human must look at a referral."""
        rows = await self.pool.fetch("SELECT reason FROM work_item WHERE referral_id = $1 ORDER BY raised_at", referral)
        return [row["reason"] for row in rows]

    async def steps(self, referral: str) -> list[str]:
        """The kinds of the referral's steps in the trail, in order."""
        found = "SELECT kind FROM trail_entry WHERE referral_id = $1 AND kind <> 'content' ORDER BY idx"
        rows = await self.pool.fetch(found, referral)
        return [row["kind"] for row in rows]


@asynccontextmanager
async def county(settings: Settings, cards: Sequence[OrganisationCard] | None = None) -> AsyncIterator[County]:
    """A county whose organisations are onboarded and whose broker does not work yet."""
    await prepare(settings)
    ensure_broker_key(settings)
    ensure_log_key(settings)
    broker_signer(settings)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(broker_pool(settings))
        producer = AIOKafkaProducer(**kafka_of(settings), acks="all", enable_idempotence=True)
        await producer.start()
        stack.push_async_callback(stopped, producer)
        ear = AIOKafkaConsumer(**kafka_of(settings), group_id=None, auto_offset_reset="earliest")
        await ear.start()
        stack.push_async_callback(stopped, ear)
        made = County(settings, Topics(settings.environment, settings.topic_prefix), pool, producer, ear)
        await made.onboard(*(facts.cards() if cards is None else cards))
        yield made
