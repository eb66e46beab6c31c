"""kill -9: whatever dies, whenever: no event is lost, none has effect twice, and everybody is told."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from adapters.inbox.inboxes import Inboxes
from adapters.inbox.inboxes import database as provider_database
from adapters.provider import load_providers
from broker.app import provider_dsn
from tests.broker.county import County
from tests.broker.letters import until
from tests.crash.checker import judged
from tests.crash.people import People, at_work
from tests.crash.processes import COPIES, Network, working
from tests.crash.traffic import Published, night

REFERRALS: Final = 1200
EVENTS_MIN: Final = 5000
ROUNDS: Final = 6
"""In each round every process is killed once, at a moment of its own."""
WINDOW_SECONDS: Final = 2.0
"""A killed member of a Kafka group is missed after ten seconds; kills fall while the others still work."""


async def test_kill_9_thirty_times_under_five_thousand_events(founded: County) -> None:
    """Two brokers, relay, clock and adapter are killed 30 times at random while a night's events pass through."""
    drawn = random.Random(20260304)
    published = list(night(founded, REFERRALS))
    share = -(-len(published) // ROUNDS)
    async with _desks(founded) as people, at_work(people), working(founded.settings) as network:
        for begin in range(0, len(published), share):
            before = await _taken(founded)
            await _post(founded, published[begin : begin + share])
            await until(partial(_more_than, founded, before))
            await asyncio.gather(*(_kill_later(network, name, drawn.uniform(0, WINDOW_SECONDS)) for name in COPIES))
        assert network.kills == ROUNDS * len(COPIES) == 30
        await until(partial(_nothing_waits, founded, people))
        await founded.settled()
        assert network.complaints() == []
    verdict = await judged(founded, published)
    assert verdict.accepted + verdict.refused >= EVENTS_MIN


@asynccontextmanager
async def _desks(county: County) -> AsyncIterator[People]:
    providers = load_providers(county.settings.zones)
    async with provider_database(provider_dsn(county.settings)) as pool:
        yield People(Inboxes(pool, providers, county.settings.environment))


async def _post(county: County, published: Sequence[Published]) -> None:
    """In order, as fast as Kafka takes them."""
    for one in published:
        await county.hand_over(one.letter)
    await county.producer.flush()


async def _kill_later(network: Network, name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await network.kill(name)


async def _taken(county: County) -> int:
    return int(await county.pool.fetchval("SELECT count(*) FROM inbox"))


async def _more_than(county: County, before: int) -> bool:
    return await _taken(county) > before


async def _nothing_waits(county: County, people: People) -> bool:
    """Nobody has a new offer to answer, every answer has left, and the broker has taken in what was said."""
    await county.settled()
    unsent = await people.inboxes.pool.fetchval("SELECT count(*) FROM answer WHERE sent_at IS NULL")
    return unsent == 0 and await people.new() == 0
