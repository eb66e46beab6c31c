"""Late sealing from end to end: offered, accepted, chosen, sealed, released, and opened by that provider alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from broker.bus.publisher import Message, Publisher
from broker.bus.stopping import stopped
from broker.client import RecipientChosen
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.envelope import Envelope, Received, read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.ids import OrgId, ReferralId, new_event_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal.keys import load_signing_key
from broker.seal.signature import sign
from broker.zone import KEYS_FOLDER
from tests.client.county import ALIAS, BIRCH, CEDAR, POLICE, SAFE_CONTACT, County, asked
from tests.client.shell import EXAMPLES, handoff, in_environment

SECONDS = 30


async def first(county: County, org: OrgId, kind: type[EventData], about: ReferralId | None = None) -> Received:
    """The first event of this type on a provider's topic for it, about this referral where one is named."""
    [flow] = kind.FLOWS & {Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER}
    async with asyncio.timeout(SECONDS), _reading(county, flow, org) as consumer:
        while True:
            record = await consumer.getone()
            received = read_envelope(record.key, record.headers, record.value)
            if received.event_class is kind and about in (None, received.envelope.subject):
                return received


@dataclass(frozen=True, slots=True)
class Handed:
    """Both halves of a hand-over, as they reach a provider."""

    sealed: tuple[SealedGroup, ...]
    wraps: tuple[WrappedKey, ...]


async def handed(county: County, org: OrgId, about: ReferralId | None = None) -> Handed:
    """What was handed over first."""
    released = DisclosureReleased.read((await first(county, org, DisclosureReleased, about)).data)
    keyed = DisclosureKeyed.read((await first(county, org, DisclosureKeyed, about)).data)
    return Handed(released.sealed, keyed.wraps)


async def events_on(county: County, flow: Flow, org: OrgId, kind: type[EventData]) -> list[Received]:
    """Every event of this type that a topic holds now."""
    found: list[Received] = []
    async with _reading(county, flow, org) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [read_envelope(record.key, record.headers, record.value) for record in records]
    return [one for one in found if one.event_class is kind]


@asynccontextmanager
async def _reading(county: County, flow: Flow, org: OrgId) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        county.topics.name(flow, org),
        bootstrap_servers=county.settings.kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await stopped(consumer)


async def answer(county: County, org: OrgId, subject: str, fact: EventData) -> None:
    """Publish a provider's answer, signed with its own key."""
    now = datetime.now(UTC)
    key = load_signing_key(county.settings.home / "zones" / org / KEYS_FOLDER, org, now)
    publisher = Publisher(
        {"bootstrap_servers": county.settings.kafka_bootstrap}, lambda headers, value: sign(headers, value, key)
    )
    envelope = Envelope(new_event_id(), org, fact.TYPE, subject, now, county.topics.environment)
    message = Message(county.topics.name(Flow.PROVIDER_TO_BROKER, org), envelope.attributes(), fact.wire())
    try:
        assert await publisher.send([message]) == [True]
    finally:
        await publisher.stop()


async def test_whoever_accepts_is_let_in_by_the_agency_and_opens_what_it_may_have(served: County) -> None:
    """The police name nobody; the shelter that accepts gets its keys afterwards, the other one nothing."""
    async with served.client(POLICE) as client:
        referral = await client.request_referral(groups={"FG03": SAFE_CONTACT, "FG04": ALIAS}, **asked())
        assert referral.sealed == []
        offered = await first(served, BIRCH, OfferMade)
        assert b"sealed" not in offered.data
        offer = OfferMade.read(offered.data)
        accepted = OfferAccepted(offer_id=offer.offer_id, accepted_by=AcceptedBy.STAFF)
        await answer(served, BIRCH, referral.referral_id, accepted)
        async with asyncio.timeout(SECONDS), aclosing(client.notices()) as notices:
            async for notice in notices:
                if isinstance(notice.fact, RecipientChosen):
                    assert notice.fact.recipient == BIRCH
                    await client.accepted(await client.seal_chosen(notice))
                    break
    released = await handed(served, BIRCH)
    assert opened_by(served, BIRCH, referral.referral_id, released)["FG03"]["handle"] == SAFE_CONTACT["handle"]
    assert opened_by(served, BIRCH, referral.referral_id, released)["FG04"] == ALIAS
    assert {wrap.recipient for wrap in released.wraps} == {BIRCH} != {CEDAR}


async def test_a_shell_that_follows_lets_in_whoever_accepts_and_ends_at_the_close(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`handoff publish --follow` does what a program would: seals for the chosen provider, tells, ends."""
    in_environment(served, monkeypatch)
    following = asyncio.create_task(handoff("publish", EXAMPLES / "police-referral.json", "--follow", "--org", POLICE))
    offered = await first(served, BIRCH, OfferMade)
    offer, referral = OfferMade.read(offered.data), ReferralId(offered.envelope.subject)
    await answer(served, BIRCH, referral, OfferAccepted(offer_id=offer.offer_id, accepted_by=AcceptedBy.STAFF))
    released = await handed(served, BIRCH)
    assert opened_by(served, BIRCH, referral, released)["FG04"]["alias"] == "Robin"
    async with served.client(POLICE) as client:
        await client.accepted(await client.cancel_referral(referral, CancelReason.SAFE_ELSEWHERE))
    async with asyncio.timeout(SECONDS):
        result = await following
    assert result.exit_code == 0, result.output
    assert "org-shelter-birch has accepted; wrap the keys of" in result.output
    assert "Robin" not in result.output


def opened_by(county: County, org: OrgId, referral: ReferralId, released: Handed) -> dict[str, Any]:
    """What this provider finds in what was released to it."""
    ring_of = county.ring(org)
    texts = {one.field_group: ring_of.open(referral, one, released.wraps) for one in released.sealed}
    return {str(group): json.loads(text) for group, text in texts.items()}
