"""kill -9: whatever dies, whenever: no event is lost, none has effect twice, and everybody is told."""

import asyncio
import random
from functools import partial
from typing import Final

from tests.broker.county import County
from tests.broker.letters import until
from tests.crash.checker import judged
from tests.crash.people import at_work, desks, nothing_waits
from tests.crash.processes import COPIES, Network, working
from tests.crash.traffic import night, post

REFERRALS: Final = 1320
EVENTS_MIN: Final = 5000
ROUNDS: Final = 6
"""In each round every process is killed once, at a moment of its own."""
WINDOW_SECONDS: Final = 2.0
"""A killed member of a Kafka group is missed after ten seconds; kills fall while the others still work."""


async def test_kill_9_thirty_six_times_under_five_thousand_events(founded: County) -> None:
    """Two brokers, relay, clock, sequencer and adapter are killed 36 times at random under a night's events."""
    drawn = random.Random(20260304)
    published = list(night(founded, REFERRALS))
    share = -(-len(published) // ROUNDS)
    async with desks(founded) as people, at_work(people), working(founded.settings) as network:
        for begin in range(0, len(published), share):
            before = await _taken(founded)
            await post(founded, published[begin : begin + share])
            await until(partial(_more_than, founded, before))
            await asyncio.gather(*(_kill_later(network, name, drawn.uniform(0, WINDOW_SECONDS)) for name in COPIES))
        assert network.kills == ROUNDS * len(COPIES) == 36
        await until(partial(nothing_waits, founded, people))
        await founded.settled()
        assert network.complaints() == ""
    verdict = await judged(founded, published)
    assert verdict.accepted + verdict.refused >= EVENTS_MIN


async def _kill_later(network: Network, name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await network.kill(name)


async def _taken(county: County) -> int:
    return int(await county.pool.fetchval("SELECT count(*) FROM inbox"))


async def _more_than(county: County, before: int) -> bool:
    return await _taken(county) > before
