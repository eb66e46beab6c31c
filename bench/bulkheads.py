"""What 99 healthy recipients feel of one that takes connections and never answers: with and without it."""

import asyncio
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from typing import Final

from adapters.inbox.inboxes import database
from bench.deliveries import WAYS, emptied, reached, receiving
from broker.schemas.ids import OrgId
from broker.sql.bulk import Pool
from tests.adapters.courier_desk import CourierDesk
from tests.adapters.network import until

RECIPIENTS: Final = 100
SECONDS: Final = 10
BEAT_SECONDS: Final = 0.1
BEAT_OFFERS: Final = 20
"""Each beat makes an offer to so many recipients in turn: 200 a second."""
NEVER_MILLISECONDS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Figures:
    """From being queued to having arrived, in milliseconds: the 99th percentile of the healthy."""

    all_answer: float
    one_hangs: float


async def measure(dsn: str, folder: Path, way: str) -> Figures:
    """Both, one after another, on the migrated database of the provider zone at `dsn`."""
    async with database(dsn) as pool:
        return Figures(
            await _healthy_p99(pool, dsn, folder / "all-answer", way, hangs=False),
            await _healthy_p99(pool, dsn, folder / "one-hangs", way, hangs=True),
        )


async def _healthy_p99(pool: Pool, dsn: str, zones: Path, way: str, *, hangs: bool) -> float:
    async with receiving(0) as answering, receiving(NEVER_MILLISECONDS) as silent:
        desk = CourierDesk(pool, zones, dsn, {way: WAYS[way].transport(answering.port, silent.port)})
        await emptied(desk)
        orgs = [OrgId(f"org-bench-{number}") for number in range(RECIPIENTS)]
        hung, healthy = orgs[0], orgs[1:]
        await reached(desk, way, {org: (silent if hangs and org == hung else answering).port for org in orgs})
        async with desk.running() as [courier]:
            turns = cycle(orgs)
            for _ in range(int(SECONDS / BEAT_SECONDS)):
                for org in islice(turns, BEAT_OFFERS):
                    await desk.offers(org)
                courier.wake()
                await asyncio.sleep(BEAT_SECONDS)
            waiting = "SELECT NOT EXISTS (SELECT 1 FROM delivery WHERE org_id = ANY($1) AND state <> 'DELIVERED')"
            await until(lambda: pool.fetchval(waiting, healthy))
        waits = "SELECT extract(epoch FROM ended_at - queued_at)::float8 AS s FROM delivery WHERE org_id = ANY($1)"
        found = [row["s"] for row in await pool.fetch(waits, healthy)]
    return float(quantiles(found, n=100)[98] * 1000)


def report(figures: Figures) -> list[str]:
    """The lines of the page."""
    change = figures.one_hangs / figures.all_answer - 1
    return [
        "",
        (
            f"{RECIPIENTS - 1} healthy recipients at {BEAT_OFFERS / BEAT_SECONDS:.0f} deliveries/s, from queued to"
            f" arrived: p99 {figures.all_answer:.0f} ms; while one more hangs {figures.one_hangs:.0f} ms"
            f" ({change:+.0%})."
        ),
    ]
