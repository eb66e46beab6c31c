"""One offer, three doors at once: an inbox, the system's own requests, the provider's own Kafka. One yes counts."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Final

from adapters.doors import Door
from adapters.errors import AnswerNotPossible
from adapters.inbox.inbox import Inbox
from adapters.kafka.answers import AnswersReader
from adapters.transports.transport import Channel
from broker.bus.publisher import Message, Publisher
from broker.schemas.envelope import Envelope
from broker.schemas.ids import KeyId, OfferId, OrgId, new_event_id, new_referral_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from broker.seal.signature import sign
from tests.adapters.door.doorway import Doorway, yes
from tests.adapters.door.own_system import OwnSystem
from tests.adapters.handovers import channel_to
from tests.adapters.network import until
from tests.conftest import KafkaForTest

OFFERS: Final = 4
BY_INBOX, BY_SYSTEM, BY_KAFKA = 18, 16, 16
"""Fifty for each offer."""


def _message(org: OrgId, topic: str, offer_id: OfferId) -> Message:
    now, said = datetime.now(UTC), yes(offer_id)
    envelope = Envelope(new_event_id(), org, said.TYPE, new_referral_id(), now, msgstatus=MsgStatus.ACTUAL)
    return Message(topic, envelope.attributes(), said.wire())


def _answers_of(org: OrgId, kafka: KafkaForTest, topic: str, home: Path, key: SigningKey) -> Channel:
    settings = {
        "bootstrap": kafka.bootstrap,
        "topic": topic,
        "protection": "PLAINTEXT",
        "signed": False,
        "answers": {"topic": topic, "group": f"g-{token_hex(4)}"},
    }
    card = key.card(datetime.now(UTC)).wire().encode()
    return channel_to("kafka", settings, home, {"answers-key-one.json": card}, org=org)


async def test_of_fifty_acceptances_by_three_doors_one_counts(
    doorway: Doorway, haven: OwnSystem, kafka: KafkaForTest, home: Path
) -> None:
    """Whoever was later hears by its own door that it is answered; one event leaves for each offer (lessons.md §5)."""
    org, pool, topic = haven.org, doorway.installation.pool, f"{kafka.prefix}own-answers"
    await kafka.create_topics(topic)
    offers = [await doorway.offered(org) for _ in range(OFFERS)]
    await pool.execute("UPDATE offer SET answer_by = clock_timestamp() + interval '1 hour'")
    key = SigningKey.new(KeyId(f"{org}#desk"))
    inbox = Inbox(pool, doorway.providers[org], MsgStatus.ACTUAL)
    said: Counter[tuple[str, str]] = Counter()

    async def by_inbox(offer_id: OfferId) -> None:
        try:
            await inbox.accept(offer_id)
        except AnswerNotPossible as late:
            said["inbox", late.code.value] += 1
        else:
            said["inbox", "stored"] += 1

    async def by_system(offer_id: OfferId) -> None:
        told = await haven.answer(yes(offer_id))
        said["system", "stored" if told.status == 202 else told.code] += 1

    publisher = Publisher({"bootstrap_servers": kafka.bootstrap}, lambda headers, value: sign(headers, value, key))
    try:
        messages = [_message(org, topic, offer_id) for offer_id in offers for _ in range(BY_KAFKA)]
        assert all(await publisher.send(messages))
    finally:
        await publisher.stop()
    door = Door(pool, doorway.providers, MsgStatus.ACTUAL, lambda: None)
    reader = AnswersReader(_answers_of(org, kafka, topic, home, key), door)
    people: list[tuple[Callable[[OfferId], Awaitable[None]], int]] = [(by_inbox, BY_INBOX), (by_system, BY_SYSTEM)]
    acts = [act(offer_id) for offer_id in offers for act, count in people for _ in range(count)]
    Random(5).shuffle(acts)
    reading = asyncio.create_task(reader.run())
    try:
        await asyncio.gather(*acts)
        by_kafka = OFFERS - said["inbox", "stored"] - said["system", "stored"]

        async def all_read() -> bool:
            return reader.set_aside == OFFERS * BY_KAFKA - by_kafka

        await until(all_read)
    finally:
        reading.cancel()
        await asyncio.wait({reading})
    stored = await doorway.installation.rows("SELECT offer_id FROM answer WHERE type = $1", OfferAccepted.TYPE)
    assert sorted(row["offer_id"] for row in stored) == sorted(offers), "each offer is accepted once"
    late = {code for _, code in said} - {"stored"}
    assert late == {"OFFER_ALREADY_ANSWERED"}
    assert sum(said.values()) == OFFERS * (BY_INBOX + BY_SYSTEM)
