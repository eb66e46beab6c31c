"""Whatever is killed, whenever: no offer and no answer is lost, none counts twice, and order per referral holds."""

import asyncio
import json
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from adapters.inbox.inbox import Inbox
from adapters.provider import load_providers, signer_for
from adapters.sending import Sender
from broker.bus.publisher import Message, Publisher
from broker.schemas.envelope import Received
from broker.schemas.ids import OfferId, OrgId
from tests.adapters.network import Installation, until
from tests.conftest import KafkaForTest

OFFERS = 80
KILLS = 3


@asynccontextmanager
async def _killed_now_and_then(installation: Installation) -> AsyncIterator[None]:
    """A zone process that is killed with -9 `KILLS` times at random moments, and started again each time."""
    voice = installation.voice
    told = {
        "dsn": installation.dsn,
        "bootstrap": str(voice.kafka["bootstrap_servers"]),
        "prefix": voice.topics.prefix,
        "zones": str(installation.zones),
        "group": installation.parts().group,
    }

    @asynccontextmanager
    async def process() -> AsyncIterator[None]:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.adapters.zone_process", json.dumps(told)
        )
        try:
            yield
        finally:
            running.kill()
            await running.wait()

    async def kill_again_and_again() -> None:
        drawn = random.Random(7)
        for _ in range(KILLS):
            async with process():
                await until(partial(_more_than, installation, await _count(installation)))
                await asyncio.sleep(drawn.uniform(0, 0.4))

    killing = asyncio.create_task(kill_again_and_again())
    try:
        yield
        await killing
        async with process():
            await until(partial(_nothing_waits, installation))
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)


async def _count(installation: Installation) -> int:
    return int((await installation.rows("SELECT count(*) FROM answer"))[0][0])


async def _more_than(installation: Installation, before: int) -> bool:
    return await _count(installation) > before or await _nothing_waits(installation)


async def _nothing_waits(installation: Installation) -> bool:
    rows = await installation.rows(
        "SELECT count(DISTINCT offer_id), count(*) FILTER (WHERE sent_at IS NULL) FROM answer"
    )
    return tuple(rows[0]) == (OFFERS, 0)


async def test_kill_9_loses_and_doubles_nothing(installation: Installation, kafka: KafkaForTest) -> None:
    """Offers come, people accept and make contact, the process dies and comes back: every promise holds at the end."""
    haven = await installation.serve(kafka.org("haven"))
    inbox = Inbox(installation.pool, load_providers(installation.zones)[haven], installation.voice.topics.environment)
    async with _killed_now_and_then(installation):
        made = [(await installation.voice.offer(haven, times=2))[0] for _ in range(OFFERS)]
        for offer_id in made:
            await _answered(installation, inbox, offer_id)
    stored = await installation.rows("SELECT type, count(*), count(DISTINCT offer_id) FROM answer GROUP BY type")
    assert {tuple(row)[1:] for row in stored} == {(OFFERS, OFFERS)}
    assert len(stored) == 3
    await _check_wire(installation, haven, made)


async def _answered(installation: Installation, inbox: Inbox, offer_id: OfferId) -> None:
    await until(lambda: installation.rows("SELECT 1 FROM offer WHERE offer_id = $1", offer_id))
    await inbox.accept(offer_id)
    await inbox.contact_made(offer_id)


async def _check_wire(installation: Installation, org: OrgId, made: Sequence[OfferId]) -> None:
    """After dropping repeats by id, as the broker does: three answers per offer, in the order they were given."""
    expected = {row["event_id"] for row in await installation.rows("SELECT event_id FROM answer")}
    found = await _until_all(installation, org, expected)
    by_offer: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for answer in found:
        if answer.envelope.id not in seen:
            seen.add(answer.envelope.id)
            by_offer[str(answer.envelope.offerid)].append(answer.envelope.type.split(".")[3])
    assert seen == expected
    assert by_offer == {offer_id: ["receipted", "accepted", "made"] for offer_id in made}


async def _until_all(installation: Installation, org: OrgId, expected: set[str]) -> list[Received]:
    """Everything on the answer topic: all that was confirmed lies there, repeats of killed processes included."""
    count = len(expected)
    found = await installation.voice.answers(org, count=count)
    while {answer.envelope.id for answer in found} != expected:
        count = len(found) + 1
        found = await installation.voice.answers(org, count=count)
    return found


class _DiesAfterSending(Publisher):
    """Kafka has the messages, and the process is gone before it could write that down."""

    async def send(self, messages: Sequence[Message], by: float | None = None) -> list[bool]:
        await super().send(messages, by)
        raise ConnectionResetError


async def test_an_answer_sent_by_a_dying_process_is_sent_again_under_the_same_id(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The next sender cannot know; the broker can, because the id is the same."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, _ = await voice.offer(haven)
        await until(inbox.offers)
        await voice.answers(haven, count=1)
        await until(installation.confirmed)
    answered = await inbox.accept(offer_id)
    sign = signer_for({haven: inbox.provider})
    dying, living = _DiesAfterSending(voice.kafka, sign), Publisher(voice.kafka, sign)
    try:
        with pytest.raises(ConnectionResetError):
            await Sender(installation.pool, dying, voice.topics).turn([haven])
        assert not await inbox.sent(answered.event_id)
        assert await Sender(installation.pool, living, voice.topics).turn([haven]) == 1
        assert await Sender(installation.pool, living, voice.topics).turn([haven]) == 0
    finally:
        await dying.stop()
        await living.stop()
    assert await inbox.sent(answered.event_id)
    answers = await voice.answers(haven, count=3)
    assert [answer.envelope.id for answer in answers[1:]] == [answered.event_id] * 2
    assert answers[1].data == answers[2].data
