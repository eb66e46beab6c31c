"""Late sealing from end to end: offered, accepted, chosen, sealed, released, and opened by that provider alone."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer

from broker.bus.publisher import Message, Publisher
from broker.client import RecipientChosen
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.envelope import Envelope, Received, read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.ids import OrgId, new_event_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.seal.keys import load_signing_key
from broker.seal.signature import sign
from broker.zone import KEYS_FOLDER
from tests.client.county import ALIAS, BIRCH, CEDAR, POLICE, SAFE_CONTACT, County, asked

SECONDS = 30


async def first(county: County, org: OrgId, kind: type[EventData]) -> Received:
    """The first event of this type on a provider's topic."""
    consumer = AIOKafkaConsumer(
        county.topics.name(Flow.BROKER_TO_PROVIDER, org),
        bootstrap_servers=county.settings.kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                record = await consumer.getone()
                received = read_envelope(record.key, record.headers, record.value)
                if received.event_class is kind:
                    return received
    finally:
        await consumer.stop()


async def answer(county: County, org: OrgId, subject: str, fact: EventData) -> None:
    """Publish a provider's answer, signed with its own key."""
    now = datetime.now(UTC)
    key = load_signing_key(county.settings.home / "zones" / org / KEYS_FOLDER, org, now)
    publisher = Publisher(
        {"bootstrap_servers": county.settings.kafka_bootstrap}, lambda headers, value: sign(headers, value, key)
    )
    envelope = Envelope(new_event_id(), org, fact.TYPE, subject, now, county.topics.environment)
    message = Message(county.topics.name(Flow.PROVIDER_TO_BROKER, org), envelope, fact.wire())
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
    released = DisclosureReleased.read((await first(served, BIRCH, DisclosureReleased)).data)
    ring = served.ring(BIRCH)
    texts = {one.field_group: ring.open(referral.referral_id, one, released.wraps) for one in released.sealed}
    opened = {str(group): json.loads(text) for group, text in texts.items()}
    assert opened["FG04"] == ALIAS
    assert opened["FG03"]["handle"] == SAFE_CONTACT["handle"]
    assert {wrap.recipient for wrap in released.wraps} == {BIRCH} != {CEDAR}
