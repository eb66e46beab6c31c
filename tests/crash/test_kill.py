"""kill -9: whatever dies, whenever: no event is lost, none has effect twice, and everybody is told."""

import asyncio
import random
from functools import partial
from typing import Final

from broker.composition import running_sequencer, sequencer_place
from broker.store.reconciling import differences
from broker.trail.exporting import export
from broker.trail.handoff_verify import HOLDS, verify
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
        await until(partial(nothing_waits, founded, people), seconds=180)
        await founded.settled()
        assert network.complaints() == ""
    await _the_trail_holds(founded)
    verdict = await judged(founded, published)
    assert verdict.accepted + verdict.refused >= EVENTS_MIN


async def _the_trail_holds(county: County) -> None:
    """O4, A7: every entry is sealed once, an export verifies, and the tables are what the trail says."""
    async with running_sequencer(county.settings):
        await until(partial(_sealed, county))
    folder = county.settings.home / "bundle"
    async with county.pool.acquire() as connection:
        compared, differing = await differences(connection)
        assert (differing, compared > EVENTS_MIN / 2) == ([], True)
        await export(connection, folder, lambda *_: None)
        entries = await connection.fetchval("SELECT count(*) FROM trail_entry")
        contents = await connection.fetchval("SELECT count(*) FROM trail_entry WHERE kind = 'content'")
    vkeys = [verifier.vkey for verifier in sequencer_place(county.settings).signers()]
    found = await asyncio.to_thread(verify, folder, vkeys, [county.settings.log / "checkpoint"])
    assert (found.code, found.opened, found.closed, found.wrong) == (HOLDS, entries - contents, contents, [])
    assert found.size == entries


async def _sealed(county: County) -> bool:
    """Whether a checkpoint covers everything that was written."""
    newest = "SELECT coalesce(max(size), 0) FROM log_checkpoint"
    return bool(await county.pool.fetchval(f"SELECT ({newest}) = (SELECT count(*) FROM trail_entry)"))


async def _kill_later(network: Network, name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await network.kill(name)


async def _taken(county: County) -> int:
    return int(await county.pool.fetchval("SELECT count(*) FROM inbox"))


async def _more_than(county: County, before: int) -> bool:
    return await _taken(county) > before
