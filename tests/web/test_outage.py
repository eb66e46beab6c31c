"""While Kafka or PostgreSQL is away nothing is promised that is not kept, and what is sent again counts once."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from broker import limits
from broker.local.parts import LocalParts
from broker.schemas.ids import new_event_id, new_referral_id
from broker.web.running import running_web
from tests.adapters.door.own_system import Said
from tests.broker.county import County, county
from tests.broker.facts import POLICE
from tests.broker.letters import until
from tests.broker.refusals import good
from tests.crash.test_outages import settings_of
from tests.web.agency import Agency, on_kafka


@pytest.fixture
async def alone(own_parts: LocalParts, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[County, Agency]]:
    """A county on parts of the test's own and its open door; its broker does not work."""
    monkeypatch.setattr("broker.agency.sending.REQUEST_TIMEOUT_MS", 1_000)
    monkeypatch.setattr(limits, "web_confirm_seconds_max", 2.0)
    settings = settings_of(own_parts).model_copy(update={"web_address": "127.0.0.1:0"})
    async with county(settings) as founded, aiohttp.ClientSession() as session, running_web(settings) as (host, port):
        yield founded, Agency(session, f"http://{host}:{port}", founded.keys[POLICE])


async def test_an_outage_is_told_and_nothing_is_lost(own_parts: LocalParts, alone: tuple[County, Agency]) -> None:
    """Without PostgreSQL an event still gets to Kafka and questions get a 503; without Kafka there is no 202, and the
    same bytes sent again once it is back lie there.
    """
    founded, police = alone
    letters = [good(founded, new_referral_id()) for _ in range(3)]
    assert (await police.publish(letters[0])).status == 202
    await asyncio.to_thread(own_parts.postgres.kill)
    assert (await police.publish(letters[1])).status == 202
    said = await police.ask(f"/events/{new_event_id()}")
    assert (said.status, said.code, said.headers["retry-after"]) == (503, "BROKER_AWAY", "5")
    await asyncio.to_thread(own_parts.kafka.kill)
    said = await police.publish(letters[2])
    assert (said.status, said.code, said.headers["retry-after"]) == (503, "NOT_CONFIRMED", "5")
    await asyncio.to_thread(own_parts.kafka.start)
    await asyncio.to_thread(own_parts.postgres.start)

    async def confirmed() -> Said | None:
        again = await police.publish(letters[2])
        return again if again.status == 202 else None

    await until(confirmed)
    found = [record.value for record in await on_kafka(founded, letters[0].topic)]
    assert set(found) == {letter.value for letter in letters}
    keys = {record.key for record in await on_kafka(founded, letters[0].topic)}
    assert keys == {letter.key for letter in letters}
    assert (await police.ask(f"/events/{new_event_id()}")).status == 404
