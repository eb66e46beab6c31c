"""Hands over what is due: claimed with a lease, let through by the zone's gate, attempted, and stored, whoever dies.

Deliveries are rows, and nothing waits in memory but what is being attempted. Any number of copies may run on one
database. What to do with an outcome is adapters/course.py; when, adapters/schedule.py; whether, adapters/passing.py.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from adapters.bulkhead import Bulkhead
from adapters.channels import Registry
from adapters.claiming import Claim, Claimed, Claimer
from adapters.delivery_rows import Ledger
from adapters.errors import NothingToOpen
from adapters.handover import handover_of
from adapters.provider import Provider
from adapters.storing import LET_GO, Done, Storer
from adapters.transports.transport import Delivered, Outcome, Refused, TryAgain
from broker import limits
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CourierParts:
    """What a courier is made of."""

    pool: Pool
    registry: Registry
    providers: Mapping[OrgId, Provider]
    """The organisations that are served; may change meanwhile."""
    environment: MsgStatus
    broker_org: OrgId
    wake_sender: Callable[[], None] = lambda: None
    """Called when something for the broker was stored."""
    attempt_seconds: float = limits.attempt_seconds_max


class Courier:
    """One copy of the courier."""

    def __init__(self, parts: CourierParts) -> None:
        self._parts = parts
        ledger = Ledger(parts.environment, parts.broker_org)
        self._claimer = Claimer(parts.pool, parts.registry, ledger)
        self._storer = Storer(parts.pool, parts.registry, ledger)
        self._bulkhead = Bulkhead()
        self._attempts: dict[asyncio.Task[None], float] = {}
        """What is being attempted, and when it began by the loop's clock."""
        self._done: list[Done] = []
        self._claimable = asyncio.Event()
        self._storable = asyncio.Event()

    def wake(self) -> None:
        """Look at once: this process has just put something on its way."""
        self._claimable.set()

    async def run(self) -> None:
        """Hand over until cancelled; then let what runs come to its end, and store it."""
        transports = self._parts.registry.transports.values()
        for transport in transports:
            await transport.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim_all(), name="courier-claims")
                group.create_task(self._store_all(), name="courier-stores")
        finally:
            await self._finish()
            for transport in transports:
                await transport.stop()

    async def _claim_all(self) -> None:
        while True:
            self._claimable.clear()
            found = await self._claim()
            for claim in found.claims:
                self._begin(claim)
            if found.told:
                self._parts.wake_sender()
            if not found.due:
                with suppress(TimeoutError):
                    async with asyncio.timeout(limits.deliveries_idle_seconds):
                        await self._claimable.wait()
            elif self._attempts:
                await asyncio.sleep(limits.deliveries_gather_seconds)

    async def _claim(self) -> Claimed:
        room, count = self._bulkhead.room(sorted(self._parts.providers)), self._places()
        if not room or not count:
            return Claimed()
        return await _patiently("claims", lambda: self._claimer.claim(room, count))

    def _places(self) -> int:
        """How many more to take on: a good number at a time, and none while as many as are quick are under way.

        What is answered at once is no sooner answered by a thousand at once; it costs more memory and connections.
        """
        long_ago = asyncio.get_running_loop().time() - limits.deliveries_quick_seconds
        slow = sum(began < long_ago for began in self._attempts.values())
        held = len(self._attempts) + len(self._done)
        places = min(limits.deliveries_quick_max + slow, limits.deliveries_in_flight_max) - held
        return places if places >= limits.deliveries_claimed_min else 0

    def _begin(self, claim: Claim) -> None:
        self._bulkhead.begin(claim.channel.org)
        task = asyncio.create_task(self._attempt(claim))
        self._attempts[task] = asyncio.get_running_loop().time()
        task.add_done_callback(self._attempts.pop)

    async def _attempt(self, claim: Claim) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            outcome = await self._outcome(claim)
        except asyncio.CancelledError:
            outcome = TryAgain(LET_GO, unknown=True)
        self._bulkhead.end(claim.channel.org, answered=isinstance(outcome, Delivered | Refused))
        self._done.append(Done(claim, outcome, round((clock() - began) * 1000)))
        self._storable.set()

    async def _outcome(self, claim: Claim) -> Outcome:
        """What one attempt comes to, within its time, whatever the transport does."""
        parts, org = self._parts, claim.channel.org
        provider = parts.providers.get(org)
        if provider is None:
            return TryAgain("NOT_SERVED")
        if asyncio.get_running_loop().time() + parts.attempt_seconds > claim.lease_ends:
            return TryAgain(LET_GO)  # The claim took so long that somebody else may have it before this ends.
        try:
            async with asyncio.timeout(parts.attempt_seconds):
                handover = handover_of(claim, parts.environment, parts.pool, provider)
                return await parts.registry.transports[claim.channel.transport].attempt(claim.channel, handover)
        except TimeoutError:
            return TryAgain("TIMEOUT", unknown=True)
        except NothingToOpen:
            return TryAgain("NOTHING_TO_OPEN")
        except Exception as defect:  # noqa: BLE001
            # A defect of a transport must not end the others' deliveries. Its message might hold a value.
            log.error("transport %s failed with %s", claim.channel.transport, type(defect).__name__)
            return TryAgain("TRANSPORT_FAULT", unknown=True)

    async def _store_all(self) -> None:
        while True:
            await self._storable.wait()
            if len(self._done) < limits.outcomes_stored_max and self._attempts:
                await asyncio.sleep(limits.deliveries_gather_seconds)
            self._storable.clear()
            while self._done:
                await self._store()
            self._claimable.set()

    async def _store(self) -> None:
        done = self._done[: limits.outcomes_stored_max]
        told = await _patiently("outcomes", lambda: self._storer.store(done))
        del self._done[: len(done)]
        if told:
            self._parts.wake_sender()

    async def _finish(self) -> None:
        """What runs gets a moment; the rest is let go of, to be tried again at once by whoever comes next."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=limits.courier_stop_seconds)
        running = list(self._attempts)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        with suppress(TimeoutError):  # What cannot be stored now is found by its lease.
            async with asyncio.timeout(limits.courier_stop_seconds):
                while self._done:
                    await self._store()


async def _patiently(what: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do it, however often the database is away in between; nothing is sent meanwhile."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TRANSIENT),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        before_sleep=lambda state: log.warning("%s wait (attempt %d)", what, state.attempt_number),
    )
    async for attempt in retrying:
        with attempt:
            return await work()
    raise AssertionError("it is retried without end")
