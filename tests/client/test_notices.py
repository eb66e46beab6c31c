"""What the broker says reaches its agency: each notice at least once, believed only if the broker signed it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from broker.bus.stopping import stopped
from broker.client import AgencyClient, EventAccepted, EventRefused, Notice, ReferralHeld
from broker.schemas.envelope import Envelope, binary_record
from broker.schemas.event import Flow
from broker.schemas.ids import KeyId, OrgId, new_event_id, new_incident_id, new_referral_id
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from broker.seal.signature import SIGNATURE_HEADER, sign
from tests.client.county import HOTLINE, County, asked

INCIDENT = IncidentReported(occurred="TODAY", jurisdiction_code="US-CA")
SECONDS = 30
BROKER = OrgId("org-broker")


async def heard(client: AgencyClient, count: int, **how: Any) -> list[Notice]:
    """The next so many notices."""
    found: list[Notice] = []
    async with asyncio.timeout(SECONDS), aclosing(client.notices(**how)) as notices:
        async for notice in notices:
            found.append(notice)
            if len(found) == count:
                break
    return found


async def test_receipts_and_refusals_come_as_notices_with_their_advice(served: County) -> None:
    """Each event's answer names the event, and a refusal says in plain words what to do."""
    async with served.client() as client:
        taken = await client.report_incident(INCIDENT)
        refused = await client.cancel_referral(new_referral_id(), CancelReason.SOURCE_WITHDREW)
        told = {notice.cause: notice for notice in await heard(client, 2)}
    assert told[taken.event_id].fact == EventAccepted(event_id=taken.event_id)
    assert told[taken.event_id].advice is None
    refusal = told[refused.event_id]
    assert isinstance(refusal.fact, EventRefused)
    assert refusal.advice is not None
    assert refusal.advice.remedy


async def test_a_held_referral_is_told_to_its_source(served: County) -> None:
    """A hotline's request without a release waits, and the hotline hears for what."""
    async with served.client() as client:
        await client.request_referral(**asked())
        told = await heard(client, 2)
    assert {type(notice.fact) for notice in told} >= {EventAccepted, ReferralHeld}


async def test_a_reader_goes_on_where_it_was_under_its_name(served: County) -> None:
    """What was handled does not come again to the same reader; another reader gets all of it."""
    async with served.client(name="desk") as client:
        for _ in range(3):
            await client.accepted(await client.report_incident(INCIDENT))
        first = await heard(client, 3)
    async with served.client(name="desk") as client:
        await client.report_incident(INCIDENT)
        # The notice that was in hand when the reader stopped was not handled yet: it comes once more.
        again = await heard(client, 2)
    before = {notice.event_id for notice in first}
    assert {notice.event_id for notice in again} & before == {first[-1].event_id}
    assert len({notice.event_id for notice in again} - before) == 1
    async with served.client(name="other") as client:
        assert {notice.event_id for notice in await heard(client, 4)} >= {notice.event_id for notice in first}


async def test_a_reader_from_now_is_told_nothing_old_even_after_a_crash(served: County) -> None:
    """`since="now"` notes at once where it began, so that what comes while it is away is not passed over."""
    async with served.client(name="now") as client:
        old = await client.report_incident(INCIDENT)
        await client.accepted(old)
        reading = asyncio.create_task(heard(client, 1, since="now"))
        new = None
        while not reading.done():
            new = await client.report_incident(INCIDENT)
            await client.accepted(new)
            await asyncio.wait([reading], timeout=0.2)
        (notice,) = await reading
    assert notice.cause != old.event_id


async def test_a_forged_notice_is_not_shown(served: County) -> None:
    """Only what the broker's own key signed, in this environment, counts."""
    real = SigningKey.new(KeyId("org-broker#forged"))
    async with served.client() as client:
        async with _producer(served) as producer:
            await _forge(served, producer, real)
            await _forge(served, producer, None)
            await _forge(served, producer, real, org=HOTLINE)
            await producer.send_and_wait(served.topics.name(Flow.BROKER_TO_SOURCE, HOTLINE), b"not an event")
        published = await client.report_incident(INCIDENT)
        (notice,) = await heard(client, 1)
    assert notice.cause == published.event_id


async def _forge(county: County, producer: AIOKafkaProducer, key: SigningKey | None, org: OrgId = BROKER) -> None:
    subject = new_referral_id()
    fact = ReferralStatus.model_validate(ReferralStatus.EXAMPLE)
    envelope = Envelope(new_event_id(), org, fact.TYPE, subject, datetime.now(UTC), MsgStatus.ACTUAL)
    headers, value = binary_record(envelope, fact.wire())
    if key is not None:
        headers.append((SIGNATURE_HEADER, sign(headers, value, key)))
    topic = county.topics.name(Flow.BROKER_TO_SOURCE, HOTLINE)
    await producer.send_and_wait(topic, value, key=subject.encode(), headers=headers)


class _producer:  # noqa: N801  used as a function
    def __init__(self, county: County) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=county.settings.kafka_bootstrap)

    async def __aenter__(self) -> AIOKafkaProducer:
        await self._producer.start()
        return self._producer

    async def __aexit__(self, *_: object) -> None:
        await stopped(self._producer)


async def test_two_who_wait_for_different_events_are_each_answered(served: County) -> None:
    """Waiting costs one reading of the topic, however many wait."""
    async with served.client() as client:
        published = [await client.report_incident(INCIDENT, incident_id=new_incident_id()) for _ in range(5)]
        answers = await asyncio.gather(*(client.wait_for(one) for one in published for _ in range(2)))
    assert sorted(a.event_id for a in answers if a.event_id) == sorted(p.event_id for p in published for _ in range(2))


@pytest.mark.parametrize("seconds", [0, 0.02, 0.1, 0.3])
async def test_leaving_the_client_ends_its_readers(served: County, seconds: float) -> None:
    """A client that is closed leaves no reader running, one neither that had only just begun to ask for its place."""

    async def read(notices: AsyncIterator[Notice]) -> int:
        return len([notice async for notice in notices])

    async with served.client() as client:
        await client.accepted(await client.report_incident(INCIDENT))
        reading = asyncio.create_task(read(client.notices()))
        await asyncio.sleep(seconds)
    async with asyncio.timeout(SECONDS):
        assert await reading >= 0
