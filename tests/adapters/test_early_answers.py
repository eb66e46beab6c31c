"""Answers that overtake each other on their way from a system that hears no refusal: none is lost (F17)."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.doors import Door
from adapters.errors import AnswerNotPossible
from adapters.inbox import early
from adapters.inbox.answering import Answered, Answering
from adapters.inbox.listing import Listing
from adapters.inbox.panels import offer_lines
from adapters.kafka.answers import AnswersReader
from adapters.standing import Standing
from broker import limits
from broker.schemas.contact_attempted import AttemptOutcome, ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, new_event_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.refusal import RefusalCode
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import MsgStatus, Outcome, Service
from tests.adapters.courier_desk import HAVEN, CourierDesk, withdrawn
from tests.adapters.handovers import ORG
from tests.adapters.network import until
from tests.adapters.test_kafka import KEY, Desk, answering_channel
from tests.conftest import KafkaForTest

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


async def said(
    desk: CourierDesk, offer_id: OfferId, fact: EventData, minute: int = 0, event_id: EventId | None = None
) -> Answered:
    """A system of Haven's, which hears no refusal, says it at this minute after noon."""
    door = Door(desk.pool, desk.providers, MsgStatus.ACTUAL, lambda: None)
    said_at = NOON + timedelta(minutes=minute)
    return await door(HAVEN, offer_id, fact, event_id or new_event_id(), said_at=said_at)


def accepted(offer_id: OfferId) -> OfferAccepted:
    """A yes of somebody on duty."""
    return OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF)


async def shown(desk: CourierDesk, offer_id: OfferId) -> list[str]:
    """What people are told of answers that did not count."""
    listing = Listing(desk.pool, desk.providers[HAVEN])
    lines = offer_lines(await listing.find(offer_id), desk.providers[HAVEN].kind, await listing.now())
    return [line for line in lines if line.startswith(("TOO LATE", "NOT TAKEN"))]


async def given(desk: CourierDesk) -> list[str]:
    """What is sent to the broker, in its order, besides receipts."""
    return [told for told in await desk.told() if told != "offer.receipted"]


async def settle(desk: CourierDesk) -> bool:
    """One look of the zone's."""
    answering = Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
    return any([await answering.settle(offer_id) for _, offer_id in await early.looked_at(desk.pool)])


async def test_over_kafka_an_answer_waits_for_the_one_that_must_precede_it(
    desk: CourierDesk, kafka: KafkaForTest, home: Path
) -> None:
    """Reached before accepted: both are sent, in their order, although the offset was committed in between."""
    topic = f"{kafka.prefix}answers"
    await kafka.create_topics(topic)
    system = Desk(kafka, topic)
    [(offer_id, _)] = await desk.offers(ORG)
    made = await system.say(offer_id, fact=ContactMade(offer_id=offer_id))
    reader = AnswersReader(
        answering_channel(kafka, topic, home, one=KEY), Door(desk.pool, desk.providers, MsgStatus.ACTUAL, lambda: None)
    )
    running = asyncio.create_task(reader.run())
    await until(lambda: desk.rows("SELECT 1 FROM early_answer"))
    assert await given(desk) == []
    await system.say(offer_id)
    await until(lambda: desk.rows("SELECT 1 FROM answer WHERE type = $1", OfferAccepted.TYPE))
    running.cancel()
    await asyncio.wait({running})
    assert await given(desk) == ["offer.accepted", "contact.made"]
    assert [
        row["event_id"] for row in await desk.rows("SELECT event_id FROM answer WHERE type = $1", ContactMade.TYPE)
    ] == [made]
    assert (await desk.rows("SELECT standing FROM offer"))[0]["standing"] == Standing.ENGAGED
    assert reader.set_aside == 0
    assert await desk.rows("SELECT 1 FROM early_answer") == []


async def test_what_waited_is_given_in_the_order_in_which_it_was_said(desk: CourierDesk) -> None:
    """The last comes first and the yes comes last: a whole way from acceptance to outcome."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    completed = ServiceCompleted(offer_id=offer_id, outcome=Outcome.SHELTERED)
    assert (await said(desk, offer_id, completed, 4)).waits
    assert (await said(desk, offer_id, ContactMade(offer_id=offer_id), 2)).waits
    started = ServiceStarted(offer_id=offer_id, service=Service.EMERGENCY_SHELTER)
    assert (await said(desk, offer_id, started, 3)).waits
    tried = ContactAttempted(offer_id=offer_id, attempt=1, outcome=AttemptOutcome.NO_ANSWER)
    assert (await said(desk, offer_id, tried, 1)).waits
    assert not (await said(desk, offer_id, accepted(offer_id))).waits
    assert await given(desk) == [
        "offer.accepted",
        "contact.attempted",
        "contact.made",
        "service.started",
        "service.completed",
    ]
    assert await shown(desk, offer_id) == []


@pytest.mark.parametrize("end", ["withdrawn", "three days"])
async def test_what_waits_in_vain_is_written_down_and_shown(desk: CourierDesk, end: str) -> None:
    """When the offer is over, or after three days: somebody sees that an answer came, and nothing is sent."""
    [(offer_id, referral)] = await desk.offers(HAVEN)
    await said(desk, offer_id, ContactMade(offer_id=offer_id))
    assert not await settle(desk)
    assert await shown(desk, offer_id) == []
    if end == "withdrawn":
        await desk.take_in([(HAVEN, referral, withdrawn(offer_id))])
    else:
        hours = limits.early_answer_hours + 1
        await desk.pool.execute("UPDATE early_answer SET came_at = came_at - make_interval(hours => $1)", hours)
    assert not await settle(desk)
    [line] = await shown(desk, offer_id)
    assert "your answer (made)" in line
    assert line.startswith("TOO LATE" if end == "withdrawn" else "NOT TAKEN")
    assert await desk.rows("SELECT 1 FROM early_answer") == []
    assert await given(desk) == []


async def test_what_the_brokers_word_makes_possible_is_given_at_the_next_look(desk: CourierDesk) -> None:
    """A row that waits although it could be given now (an offer was put back meanwhile) is found."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    await said(desk, offer_id, ContactMade(offer_id=offer_id))
    await desk.pool.execute("UPDATE offer SET standing = 'CONTACT_PENDING'")
    assert await settle(desk)
    assert await given(desk) == ["contact.made"]


async def test_the_same_answer_twice_waits_once(desk: CourierDesk) -> None:
    """Under the same id; another content under it is refused, and so it is once it was given."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    event_id, made = new_event_id(), ContactMade(offer_id=offer_id)
    for _ in range(2):
        assert (await said(desk, offer_id, made, event_id=event_id)).waits
    with pytest.raises(AnswerNotPossible) as refused:
        await said(
            desk, offer_id, ServiceStarted(offer_id=offer_id, service=Service.EMERGENCY_SHELTER), event_id=event_id
        )
    assert refused.value.code is RefusalCode.ID_REUSED
    await said(desk, offer_id, accepted(offer_id))
    assert (await said(desk, offer_id, made, event_id=event_id)).repeated
    assert await given(desk) == ["offer.accepted", "contact.made"]


async def test_what_can_never_be_given_is_written_down_at_once(desk: CourierDesk) -> None:
    """An attempt that is told after she was reached, a no after a yes: not taken, not lost, nothing waits."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    await said(desk, offer_id, accepted(offer_id))
    await said(desk, offer_id, ContactMade(offer_id=offer_id))
    tried = ContactAttempted(offer_id=offer_id, attempt=1, outcome=AttemptOutcome.NO_ANSWER)
    refused: tuple[EventData, ...] = (tried, accepted(offer_id))
    for fact in refused:
        with pytest.raises(AnswerNotPossible):
            await said(desk, offer_id, fact)
    assert await desk.rows("SELECT 1 FROM early_answer") == []
    lines = await shown(desk, offer_id)
    assert [line.split("(")[1].split(")")[0] for line in lines] == ["attempted", "accepted"]
    assert all(line.startswith("NOT TAKEN") for line in lines)


async def test_so_many_wait_and_no_more(desk: CourierDesk) -> None:
    """A system that never says yes fills no disk."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    made = ContactMade(offer_id=offer_id)
    for _ in range(limits.early_answers_each_offer_max):
        await said(desk, offer_id, made)
    with pytest.raises(AnswerNotPossible):
        await said(desk, offer_id, made)
    assert len(await desk.rows("SELECT 1 FROM early_answer")) == limits.early_answers_each_offer_max
    await said(desk, offer_id, accepted(offer_id))
    assert await given(desk) == ["offer.accepted", "contact.made"]
