"""The provider zone's process: takes in what the broker says, hands it on, and sends what people answered.

Any number of copies may run on one database: Kafka shares out the partitions, row locks share out the answers. A new
organisation's folder is noticed while running. Nothing here answers an offer; people do.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from adapters.channels import Registry, Transports
from adapters.coming_back import ComingBack
from adapters.courier import Courier, CourierParts
from adapters.delivery_rows import Ledger
from adapters.doors import Door
from adapters.errors import NoSuchProvider
from adapters.inbox import early
from adapters.inbox.answering import Answering
from adapters.inbox.inbox import Inbox
from adapters.keeping import Keeping
from adapters.provider import Provider, signer_for
from adapters.reading import HEARD, Record
from adapters.receiving import Receiver
from adapters.retention import forget_dead_letters, forget_ended, forget_keys_apart
from adapters.sending import Sender
from adapters.transports import transports
from adapters.transports.transport import Transport
from broker import limits
from broker.bus.intake import Intake
from broker.bus.publisher import Publisher
from broker.errors import HandoffError
from broker.schemas.ids import OrgId
from broker.schemas.topics import Topics
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

GROUP: Final = "provider-zone"

LoadProviders = Callable[[], Mapping[OrgId, Provider]]


def every_transport() -> Transports:
    """One of each transport that is there, for a process to share."""
    return {name: transport() for name, transport in transports().items()}


@dataclass(frozen=True, slots=True)
class ZoneParts:
    """What a zone is made of; the composition root puts it together."""

    pool: Pool
    kafka: Mapping[str, Any]
    """Keyword arguments of every aiokafka client, `bootstrap_servers` among them."""
    topics: Topics
    broker_org: OrgId
    load_providers: LoadProviders
    """Reads the organisations that this installation answers for; asked again every few seconds."""
    group: str = GROUP
    """Kafka's consumer group: the same for all copies of one installation, another for another installation."""
    transports: Transports = field(default_factory=every_transport)
    """The ways of handing over that this process has, by name."""
    attempt_seconds: float = limits.attempt_seconds_max


class ProviderZone:
    """One copy of the zone: `async with ProviderZone(parts) as zone`, then `zone.inbox(org)`."""

    def __init__(self, parts: ZoneParts) -> None:
        self._parts = parts
        self._providers: dict[OrgId, Provider] = {}
        self._served: list[OrgId] = []
        self._publisher = Publisher(parts.kafka, signer_for(self._providers))
        self._receiver = Receiver(parts.pool, parts.topics, parts.broker_org, self._providers, parts.transports)
        self._sender = Sender(parts.pool, self._publisher, parts.topics)
        self._registry = Registry(parts.transports, self._providers)
        self._courier = Courier(self._courier_parts())
        self._intake: Intake | None = None
        self._erase_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to take in and to send; waits for Kafka as long as it takes."""
        await self.refresh()
        self._tasks = [
            asyncio.create_task(self._sender.run(self._served), name="answers"),
            asyncio.create_task(self._look_after(), name="zone-look"),
            asyncio.create_task(self._courier.run(), name="courier"),
            *self._hearing(),
        ]

    async def stop(self) -> None:
        """Finish the batch in hand; answers that are not confirmed stay rows and are sent next time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._stop_listening()
        await self._publisher.stop()

    async def run(self) -> None:
        """Run until cancelled, or until a defect ends one of its loops."""
        async with self:
            await self.ended()

    async def ended(self) -> None:
        """Wait until a defect ends one of its loops, and raise it: whoever watches the process is to notice."""
        await asyncio.gather(*self._tasks)

    def inbox(self, org: OrgId) -> Inbox:
        """The inbox of one of the organisations served; raises `NoSuchProvider`."""
        provider = self._providers.get(org)
        if provider is None:
            raise NoSuchProvider
        return Inbox(self._parts.pool, provider, self._parts.topics.environment)

    @property
    def providers(self) -> Mapping[OrgId, Provider]:
        """The organisations that are served; they may change while it runs."""
        return self._providers

    @property
    def transports(self) -> Transports:
        """The ways of handing over that this process has."""
        return self._parts.transports

    @property
    def last_stored(self) -> float:
        """Loop time at which a batch was last stored; readiness is judged by it."""
        return self._intake.last_stored if self._intake is not None else 0.0

    async def refresh(self) -> None:
        """Read the organisations anew; where their number changed, listen to exactly their topics."""
        found = self._parts.load_providers()
        changed = set(found) != set(self._providers)
        if changed:
            await self._stop_listening()
        for gone in set(self._providers) - set(found):
            del self._providers[gone]
        self._providers.update(found)
        self._served[:] = sorted(found)
        await self._registry.refresh(self._parts.pool)
        if changed and found:
            await self._listen()

    async def _stop_listening(self) -> None:
        intake, self._intake = self._intake, None
        if intake is not None:
            await intake.stop()

    async def _listen(self) -> None:
        topics = self._parts.topics
        names = "|".join(re.escape(topics.name(flow, org)) for flow in HEARD for org in self._served)
        intake = Intake(self._parts.kafka, f"^({names})$", self._parts.group, self._store, self._receiver.positions)
        await intake.start()
        self._intake = intake

    async def _store(self, records: Sequence[Record]) -> None:
        await self._receiver.store(records)
        self._sender.wake()
        self._courier.wake()

    def _courier_parts(self) -> CourierParts:
        parts = self._parts
        return CourierParts(
            pool=parts.pool,
            registry=self._registry,
            providers=self._providers,
            environment=parts.topics.environment,
            broker_org=parts.broker_org,
            wake_sender=self._sender.wake,
            attempt_seconds=parts.attempt_seconds,
        )

    def _hearing(self) -> list[asyncio.Task[None]]:
        """What each transport has to fetch: answers, and what comes back of what it handed over."""
        parts, registry = self._parts, self._registry
        door = Door(parts.pool, self._providers, parts.topics.environment, self._sender.wake)
        returned = ComingBack(parts.pool, registry, Ledger(parts.topics.environment, parts.broker_org))

        def ears(one: Transport) -> Iterator[Callable[[], Awaitable[None]]]:
            yield lambda: one.hear(registry.heard(one.NAME), door)
            yield lambda: one.hear_returned(registry.heard(one.NAME, paused=True), returned)

        return [
            asyncio.create_task(_again_and_again(one, ear), name=f"hear-{one.NAME}")
            for one in parts.transports.values()
            for ear in ears(one)
        ]

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(limits.zone_look_seconds)
            try:
                await self.refresh()
                await forget_ended(self._parts.pool)
                await forget_keys_apart(self._parts.pool)
                await forget_dead_letters(self._parts.pool)
                await self._settle_early()
                await self._erase()
            except (HandoffError, *TRANSIENT) as error:
                # A folder that cannot be read, or a database that is away, must not stop what is being served.
                log.warning("the zone's look-after waits (%s)", type(error).__name__)

    async def _settle_early(self) -> None:
        """Answers that wait for another: what the broker's word has made possible since, or what never will be."""
        for org, offer_id in await early.looked_at(self._parts.pool):
            provider = self._providers.get(org)
            if provider is None:
                continue
            if await Answering(self._parts.pool, provider, self._parts.topics.environment).settle(offer_id):
                self._sender.wake()

    async def _erase(self) -> None:
        """Once an hour what each organisation has kept long enough goes; what is left over goes at the next look."""
        now = asyncio.get_running_loop().time()
        if now < self._erase_at:
            return
        keepings = [Keeping(self._parts.pool, provider) for provider in self._providers.values()]
        if not any([await keeping.erase() for keeping in keepings]):
            self._erase_at = now + limits.retention_look_seconds


async def _again_and_again(transport: Transport, ear: Callable[[], Awaitable[None]]) -> None:
    """Hear until cancelled, or until there is nothing to hear; what ends it otherwise is noted, and it begins anew."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(Exception),
        wait=wait_random_exponential(multiplier=0.5, max=limits.zone_hear_again_seconds_max),
        before_sleep=lambda state: log.warning("%s does not hear (attempt %d)", transport.NAME, state.attempt_number),
    )
    async for attempt in retrying:
        with attempt:
            await ear()
