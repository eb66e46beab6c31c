"""Kafka and PostgreSQL go away under load and come back: all goes on by itself, nothing is lost or doubled."""

import asyncio
import random
from functools import partial
from typing import Final

from broker.composition import Process
from broker.local.kafka import LocalKafka
from broker.local.parts import LocalParts
from broker.local.postgres import LocalPostgres
from broker.settings import Settings, load_settings
from tests.broker.county import County, county
from tests.broker.letters import until
from tests.crash.checker import judged
from tests.crash.people import at_work, desks, nothing_waits
from tests.crash.processes import working
from tests.crash.traffic import night, post

OUTAGE_SECONDS: Final = (0.5, 3.0)
REFERRALS: Final = 320


def settings_of(parts: LocalParts) -> Settings:
    """Settings of an installation on these parts, with both zones' databases."""
    given = load_settings(home=parts.home.path, _env_file=None)
    complete = parts.addresses().completing(given)
    return load_settings(**{name: getattr(complete, name) for name in _ADDRESSES}, home=given.home, _env_file=None)


_ADDRESSES: Final = (
    "kafka_bootstrap",
    "postgres_dsn",
    "postgres_owner_dsn",
    "provider_postgres_dsn",
    "provider_postgres_owner_dsn",
)


async def test_the_network_outlives_an_outage_of_each_part(own_parts: LocalParts) -> None:
    """Each is killed twice while a night's events pass; no process needs to be started again (F1, F3)."""
    drawn = random.Random(5)
    async with county(settings_of(own_parts)) as founded:
        published = list(night(founded, REFERRALS))
        share = -(-len(published) // 4)
        parts: list[LocalKafka | LocalPostgres] = [own_parts.kafka, own_parts.postgres] * 2
        async with desks(founded) as people, at_work(people), working(founded.settings) as network:
            for part, begin in zip(parts, range(0, len(published), share), strict=True):
                before = await taken(founded)
                await post(founded, published[begin : begin + share])
                await until(partial(more_than, founded, before))
                await asyncio.to_thread(part.kill)
                await asyncio.sleep(drawn.uniform(*OUTAGE_SECONDS))
                await asyncio.to_thread(part.start)
                await until(partial(answers, founded))
            await until(partial(nothing_waits, founded, people), seconds=120)
            assert network.ended() == ""
            assert network.complaints() == ""
        verdict = await judged(founded, published)
    assert verdict.accepted > len(published)


async def taken(county: County) -> int:
    """How many events the broker has taken in."""
    return int(await county.pool.fetchval("SELECT count(*) FROM inbox"))


async def more_than(county: County, before: int) -> bool:
    """Whether it has taken in more."""
    return await taken(county) > before


async def answers(county: County) -> bool:
    """Whether PostgreSQL can be asked again."""
    try:
        await taken(county)
    except OSError:
        return False
    return True


async def test_copies_of_the_broker_come_and_go_under_load(founded: County) -> None:
    """F2: a second copy joins and leaves four times; each time partitions change hands while records are worked."""
    published = list(night(founded, 400, seed=3))
    share = -(-len(published) // 4)
    async with founded.broker():
        for begin in range(0, len(published), share):
            before = await taken(founded)
            posting = asyncio.create_task(post(founded, published[begin : begin + share]))
            async with founded.broker(Process.BROKER):
                await posting
                await until(partial(more_than, founded, before))
            await post(founded, published[begin : begin + 1])
        await founded.settled()
    verdict = await judged(founded, [*published, *published[::share]])
    assert verdict.accepted >= len({one.letter.key for one in published if one.good})
