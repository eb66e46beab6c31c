"""The rest of the network, as a provider's zone meets it: a broker that speaks, signed, and hears answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from pydantic_core import to_json
from typer.testing import Result

from adapters.provider import KEYS_FOLDER, load_providers, write_provider_folder
from adapters.zone import ProviderZone, ZoneParts
from broker.bus.publisher import Message, Publisher
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureConsent, DisclosureReleased
from broker.schemas.envelope import Envelope, Received, read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.event_refused import EventRefused
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import (
    ConsentId,
    EventId,
    KeyId,
    OfferId,
    OrgId,
    ReferralId,
    new_consent_id,
    new_event_id,
    new_offer_id,
    new_referral_id,
)
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.refusal import RefusalCode
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus, OrgClass, RecipientCategory, WithdrawReason
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey
from broker.seal.sealing import seal_group, wrap_key
from broker.seal.signature import sign
from broker.settings import Settings, load_settings
from broker.sql.bulk import Pool

BROKER: Final = OrgId("org-broker")
DEADLINE_SECONDS: Final = 120.0
_FLOWS: Final = (Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER, Flow.PROVIDER_TO_BROKER)
"""Each killed consumer keeps its partitions until its session ends, ten seconds later; the rest is slack."""

SAFE_CONTACT: Final = {
    "mode": "DIRECT",
    "handle": "+15555550142",
    "channel": "VOICE",
    "ifSomeoneElseAnswers": "WRONG_NUMBER",
    "lastConfirmedAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
}
ALIAS: Final = {"alias": "Quillfeather"}
GROUPS: Final[Mapping[str, Mapping[str, Any]]] = {"FG03": SAFE_CONTACT, "FG04": ALIAS}


Run = Callable[..., Awaitable[Result]]
"""Runs one command of `handoff inbox` with these words."""


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the answer is true, and give it; a promise not kept within the deadline fails the test."""
    end = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not (found := await holds()):
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.02)
    return found


@dataclass(slots=True)
class Voice:
    """The broker, as far as a provider hears it and answers it."""

    kafka: Mapping[str, Any]
    topics: Topics
    key: SigningKey = field(default_factory=lambda: SigningKey.new(KeyId(f"{BROKER}#test")))
    opening: dict[OrgId, OpeningKey] = field(default_factory=dict)

    async def say(
        self,
        org: OrgId,
        fact: EventData,
        referral: str,
        *,
        event_id: EventId | None = None,
        key: SigningKey | None = None,
        environment: MsgStatus | None = None,
        times: int = 1,
        as_if: type[EventData] | None = None,
    ) -> EventId:
        """Publish one event to a provider, `times` over; `as_if` on the topic of another one."""
        envelope = Envelope(
            id=event_id or new_event_id(),
            org=BROKER,
            type=fact.TYPE,
            subject=referral,
            time=datetime.now(UTC),
            msgstatus=environment or self.topics.environment,
        )
        signing = key or self.key
        publisher = Publisher(self.kafka, lambda headers, value: sign(headers, value, signing))
        [flow] = (as_if or fact).FLOWS & {Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER}
        topic = self.topics.name(flow, org)
        try:
            sent = await publisher.send([Message(topic, envelope.attributes(), fact.wire())] * times)
        finally:
            await publisher.stop()
        assert all(sent)
        return envelope.id

    async def offer(
        self,
        org: OrgId,
        category: RecipientCategory = RecipientCategory.SHELTER,
        *,
        offer_id: OfferId | None = None,
        referral: ReferralId | None = None,
        **how: Any,
    ) -> tuple[OfferId, ReferralId]:
        """Make an offer to a provider."""
        offer_id, referral = offer_id or new_offer_id(), referral or new_referral_id()
        await self.say(org, example_offer(category, offer_id), referral, **how)
        return offer_id, referral

    async def withdraw(self, org: OrgId, offer_id: OfferId, referral: str) -> None:
        """Take an offer back."""
        await self.say(org, OfferWithdrawn(offer_id=offer_id, reason=WithdrawReason.TAKEN_BY_OTHER), referral)

    async def expire(self, org: OrgId, offer_id: OfferId, referral: str) -> None:
        """End an offer by its deadline."""
        await self.say(org, OfferExpired(offer_id=offer_id), referral)

    async def refuse(self, org: OrgId, event_id: EventId, code: RefusalCode, subject: str) -> None:
        """Refuse an answer."""
        await self.say(org, EventRefused(event_id=event_id, code=code), subject)

    async def release(
        self,
        org: OrgId,
        offer_id: OfferId,
        referral: ReferralId,
        groups: Mapping[str, Mapping[str, Any]] = GROUPS,
        *,
        sealed_to: OpeningKey | None = None,
        lasts: timedelta = timedelta(days=1),
        emergency: BreakGlassId | None = None,
    ) -> None:
        """Release groups that a source has sealed to this provider (or to another key, which must not open)."""
        released, keyed = self.halves(org, offer_id, referral, groups, sealed_to=sealed_to, lasts=lasts)
        if emergency is not None:
            released = released.model_copy(update={"consent": None, "break_glass_id": emergency})
        await self.say(org, released, referral, event_id=keyed.released)
        await self.say(org, keyed, referral)

    def halves(
        self,
        org: OrgId,
        offer_id: OfferId,
        referral: ReferralId,
        groups: Mapping[str, Mapping[str, Any]] = GROUPS,
        *,
        sealed_to: OpeningKey | None = None,
        lasts: timedelta = timedelta(days=1),
    ) -> tuple[DisclosureReleased, DisclosureKeyed]:
        """A release as it travels: ciphertexts, and the keys that name the event that is to bring those."""
        return release_halves(org, sealed_to or self.opening[org], offer_id, referral, groups, lasts)

    async def answers(self, org: OrgId, *, count: int) -> list[Received]:
        """The first `count` answers that a provider has published; every one must read without complaint."""
        topic = self.topics.name(Flow.PROVIDER_TO_BROKER, org)
        consumer = AIOKafkaConsumer(topic, **self.kafka, auto_offset_reset="earliest", group_id=None)
        await consumer.start()
        try:
            found: list[Received] = []

            async def enough() -> bool:
                for batch in (await consumer.getmany(timeout_ms=50)).values():
                    found.extend(read_envelope(r.key, r.headers, r.value) for r in batch)
                return len(found) >= count

            await until(enough)
            return found
        finally:
            await consumer.stop()


def release_halves(
    org: OrgId,
    opening: OpeningKey,
    offer_id: OfferId,
    referral: ReferralId,
    groups: Mapping[str, Mapping[str, Any]] = GROUPS,
    lasts: timedelta = timedelta(days=1),
) -> tuple[DisclosureReleased, DisclosureKeyed]:
    """A release as it travels: ciphertexts, and the keys that name the event that is to bring those."""
    sealed, wraps = [], []
    for code, content in groups.items():
        part, content_key = seal_group(referral, FieldGroup(code), to_json(content))
        sealed.append(part)
        wraps.append(wrap_key(referral, part, content_key, opening.public).model_copy(update={"recipient": org}))
    fact = DisclosureReleased(
        offer_id=offer_id,
        sealed=tuple(sealed),
        consent=DisclosureConsent(
            consent_id=ConsentId(new_consent_id()), version=1, expires_at=datetime.now(UTC) + lasts
        ),
        redisclosure_prohibited=True,
        notice_code="VAWA-LOCAL",
    )
    return fact, DisclosureKeyed(offer_id=offer_id, released=new_event_id(), wraps=tuple(wraps))


def example_offer(category: RecipientCategory, offer_id: OfferId) -> OfferMade:
    """An offer of this kind, with nothing in it that says who."""
    from adapters.kind import kinds

    service = sorted(kinds()[category].POLICY.services)[0]
    wire = {**OfferMade.EXAMPLE, "offerId": offer_id, "category": category.value, "services": [service.value]}
    return OfferMade.read(to_json(wire))


@dataclass(slots=True)
class Installation:
    """One provider installation: its folders, its database, its organisations."""

    voice: Voice
    zones: Path
    pool: Pool
    dsn: str
    create_topics: Callable[..., Awaitable[None]]
    links_allowed: bool = True
    """Whether a link may sign somebody in at its pages."""

    def settings(self) -> Settings:
        """What its commands read."""
        return load_settings(
            inbox_address="127.0.0.1:8090", inbox_sign_in_links=self.links_allowed, zones_dir=self.zones, _env_file=None
        )

    async def serve(
        self, org: OrgId, category: RecipientCategory = RecipientCategory.SHELTER, org_class: OrgClass | None = None
    ) -> OrgId:
        """Onboard an organisation: its folder with its keys, and its topics."""
        now = datetime.now(UTC)
        keys = self.zones / org / KEYS_FOLDER
        SigningKey.new(KeyId(f"{org}#sign")).keep(keys, now)
        opening = self.voice.opening[org] = OpeningKey.new(KeyId(f"{org}#seal"))
        opening.keep(keys, now)
        topics = self.voice.topics
        await self.create_topics(*(topics.name(flow, org) for flow in _FLOWS))
        write_provider_folder(self.zones / org, org, category, [self.voice.key.card(now)], org_class)
        return org

    def parts(self) -> ZoneParts:
        """What a copy of the zone is made of."""
        voice = self.voice
        return ZoneParts(
            pool=self.pool,
            kafka=voice.kafka,
            topics=voice.topics,
            broker_org=BROKER,
            load_providers=lambda: load_providers(self.zones),
            group=f"{voice.topics.prefix}provider-zone",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ProviderZone]:
        """A copy of the zone while the block lasts."""
        async with ProviderZone(self.parts()) as zone:
            yield zone

    async def confirmed(self) -> bool:
        """Whether every answer that is stored is known to be in Kafka: only then does stopping leave none to repeat."""
        return not await self.rows("SELECT 1 FROM answer WHERE sent_at IS NULL LIMIT 1")

    async def rows(self, statement: str, *arguments: object) -> Sequence[Any]:
        """What stands in the zone's database."""
        found: Sequence[Any] = await self.pool.fetch(statement, *arguments)
        return found

    async def all_text(self) -> str:
        """Everything that stands in every table, as text."""
        names = await self.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = [await self.pool.fetch(f'SELECT t.*::text FROM "{row["tablename"]}" t') for row in names]
        return "\n".join(str(list(row)) for table in found for row in table)
