"""An installation without Kafka, for the courier: what the broker says comes in by the zone's own stories and rows."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import ConsumerRecord
from pydantic_core import to_json

from adapters import rows
from adapters.channels import Registry, Transports
from adapters.courier import Courier, CourierParts
from adapters.delivery_tables import Channel
from adapters.file import File
from adapters.handing_on import load_channels, save_queued
from adapters.inbox.answering import Answering
from adapters.provider import KEYS_FOLDER, Provider, load_providers, write_provider_folder
from adapters.reading import Reading, Record
from adapters.stories import Arrival, apply
from adapters.tables import table
from adapters.transports.inbox import InboxTransport
from broker import limits
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import (
    EventId,
    KeyId,
    OfferId,
    OrgId,
    ReferralId,
    new_event_id,
    new_offer_id,
    new_referral_id,
)
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.vocabulary import MsgStatus, Priority, RecipientCategory, WithdrawReason
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey
from broker.sql.bulk import Pool, insert
from tests.adapters.network import BROKER, GROUPS, example_offer, release_halves, until
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.scripted import ScriptedTransport

CHANNEL = (
    "org_id", "place", "transport", "settings", "folder", "on_call", "failures", "changed_at",
)  # fmt: skip


HAVEN: Final = OrgId("org-haven")
PATIENCE_SECONDS: Final = 30.0


def _record() -> Record:
    return ConsumerRecord("t", 0, 0, 0, 0, b"", b"", None, 0, 0, ())


def revoked(offer_id: OfferId) -> DisclosureRevoked:
    """The survivor takes back all that was released for an offer."""
    return DisclosureRevoked(
        offer_id=offer_id,
        field_groups=tuple(map(FieldGroup, GROUPS)),
        requested_actions=EVERY_ACTION,
        answer_by=datetime.now(UTC) + timedelta(hours=1),
    )


def withdrawn(offer_id: OfferId) -> OfferWithdrawn:
    """The end of an offer whose consent has ended."""
    return OfferWithdrawn(offer_id=offer_id, reason=WithdrawReason.CONSENT_ENDED)


@dataclass(slots=True)
class CourierDesk:
    """The zone's database and folders, and its couriers."""

    pool: Pool
    zones: Path
    dsn: str
    transports: Transports = field(
        default_factory=lambda: {one.NAME: one for one in (ScriptedTransport(), InboxTransport())}
    )
    providers: dict[OrgId, Provider] = field(default_factory=dict)
    opening: dict[OrgId, OpeningKey] = field(default_factory=dict)

    def serve(self, *orgs: OrgId) -> None:
        """Onboard organisations."""
        now = datetime.now(UTC)
        card = SigningKey.new(KeyId(f"{BROKER}#test")).card(now)
        for org in orgs:
            keys = self.zones / org / KEYS_FOLDER
            SigningKey.new(KeyId(f"{org}#sign")).keep(keys, now)
            self.opening[org] = OpeningKey.new(KeyId(f"{org}#seal"))
            self.opening[org].keep(keys, now)
            write_provider_folder(self.zones / org, org, RecipientCategory.SHELTER, [card])
        self.providers.update(load_providers(self.zones))

    async def channel(
        self,
        org: OrgId,
        place: int,
        receiver: ScriptedReceiver | None,
        *,
        on_call: bool = False,
    ) -> None:
        """Reach an organisation by a receiver; by its inbox where none is given."""
        settings = to_json(dict(receiver.settings()) if receiver is not None else {}).decode()
        name = ScriptedTransport.NAME if receiver is not None else InboxTransport.NAME
        row = (org, place, name, settings, f"c{place}", on_call, 0, datetime.now(UTC))
        async with self.pool.acquire() as connection:
            await insert(connection, table(Channel), CHANNEL, [row], "replace")

    async def take_in(
        self, facts: Sequence[tuple[OrgId, ReferralId, EventData]], ids: Iterable[EventId] | None = None
    ) -> None:
        """What the broker says, in one transaction, as a batch from Kafka would be; under fresh ids unless given."""
        readings = [
            Reading(_record(), self.providers[org], self._envelope(fact, referral, event_id), fact)
            for (org, referral, fact), event_id in zip(facts, ids or iter(new_event_id, None), strict=False)
        ]
        async with self.pool.acquire() as connection, connection.transaction():
            now = await connection.fetchval("SELECT clock_timestamp()")
            file = File(now, MsgStatus.ACTUAL, new_event_id)
            await rows.load(connection, file, readings)
            await load_channels(connection, file, readings, self.transports)
            for reading in readings:
                assert reading.provider is not None
                assert reading.envelope is not None
                assert reading.fact is not None
                apply(file, Arrival(reading.provider, reading.envelope), reading.fact)
            await rows.save(connection, file, readings, ())
            await save_queued(connection, file)

    def _envelope(self, fact: EventData, referral: ReferralId, event_id: EventId) -> Envelope:
        return Envelope(event_id, BROKER, fact.TYPE, referral, datetime.now(UTC))

    async def offers(
        self,
        org: OrgId,
        count: int = 1,
        priority: Priority = Priority.P1,
        answer_in: timedelta = timedelta(hours=1),
    ) -> list[tuple[OfferId, ReferralId]]:
        """Make offers to an organisation."""
        made = [(new_offer_id(), new_referral_id()) for _ in range(count)]
        answer_by = datetime.now(UTC) + answer_in
        facts = [
            example_offer(RecipientCategory.SHELTER, offer_id).model_copy(
                update={"priority": priority, "answer_by": answer_by}
            )
            for offer_id, _ in made
        ]
        await self.take_in([(org, referral, fact) for (_, referral), fact in zip(made, facts, strict=True)])
        return made

    async def accepted(self, org: OrgId, count: int) -> list[tuple[OfferId, ReferralId]]:
        """Offers that somebody of an organisation has said yes to."""
        made = await self.offers(org, count)
        answering = Answering(self.pool, self.providers[org], MsgStatus.ACTUAL)
        for offer_id, _ in made:
            await answering.answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
        return made

    async def release(self, org: OrgId, offers: Sequence[tuple[OfferId, ReferralId]]) -> None:
        """Release sealed groups, and the keys to them, for offers that an organisation has accepted."""
        halves = [(referral, *release_halves(org, self.opening[org], offer, referral)) for offer, referral in offers]
        released = [(org, referral, fact) for referral, fact, _ in halves]
        await self.take_in(released, [keyed.released for _, _, keyed in halves])
        await self.take_in([(org, referral, keyed) for referral, _, keyed in halves])

    def parts(self, attempt_seconds: float = limits.attempt_seconds_max) -> CourierParts:
        """What a courier is made of."""
        registry = Registry(self.transports, self.providers)
        return CourierParts(
            self.pool, registry, self.providers, MsgStatus.ACTUAL, BROKER, attempt_seconds=attempt_seconds
        )

    @asynccontextmanager
    async def running(self, copies: int = 1, **how: Any) -> AsyncIterator[list[Courier]]:
        """Couriers while the block lasts."""
        couriers = [Courier(self.parts(**how)) for _ in range(copies)]
        tasks = [asyncio.create_task(courier.run()) for courier in couriers]
        try:
            yield couriers
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended

    async def rows(self, statement: str, *arguments: object) -> list[Mapping[str, Any]]:
        """What stands in the database."""
        return list(await self.pool.fetch(statement, *arguments))

    async def states(self) -> dict[str, int]:
        """How many deliveries stand where."""
        found = await self.rows("SELECT state, count(*) AS n FROM delivery GROUP BY state")
        return {row["state"]: row["n"] for row in found}

    async def stand(self, **expected: int) -> None:
        """Wait until deliveries stand so."""

        async def so() -> bool:
            return await self.states() == expected

        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await until(so)
        except TimeoutError:
            raise AssertionError(await self.states()) from None

    async def told(self) -> list[str]:
        """Which events wait for the broker, in their order, without prefix."""
        found = await self.rows("SELECT type FROM answer ORDER BY seq")
        return [row["type"].removeprefix("org.warmhandoff.").removesuffix(".v1") for row in found]

    async def attempts(self) -> list[tuple[int, str, str]]:
        """Number, outcome and code of every attempt."""
        found = await self.rows("SELECT number, outcome, code FROM attempt ORDER BY delivery_id, number")
        return [(row["number"], row["outcome"], row["code"]) for row in found]

    async def due_now(self) -> None:
        """Bring forward whatever is to be tried again later, as if the time had passed."""
        await self.pool.execute(
            "UPDATE delivery SET due_at = clock_timestamp() WHERE due_at IS NOT NULL AND state <> 'ATTEMPTED'"
        )


async def claimed_in_time(
    desk: CourierDesk, kind: type[EventData], ended: Mapping[str, datetime], code: str
) -> set[str]:
    """Nothing of this kind was claimed after its end was stored, and some was on either side; returns whose left."""
    sent = await desk.rows(
        "SELECT d.offer_id, a.began_at FROM attempt a JOIN delivery d USING (delivery_id)"
        " WHERE d.type = $1 AND a.outcome <> 'SUPPRESSED'",
        kind.TYPE,
    )
    assert sent, "no claim came before its end: the race was not run"
    assert all(row["began_at"] < ended[row["offer_id"]] for row in sent)
    suppressed = await desk.rows("SELECT offer_id, code FROM delivery WHERE state = 'SUPPRESSED'")
    assert suppressed, "no claim came after its end: the race was not run"
    assert {row["code"] for row in suppressed} == {code}
    left = {row["offer_id"] for row in sent}
    assert left.isdisjoint(row["offer_id"] for row in suppressed)
    return left
