"""A courier that is killed with -9, wherever it is: nothing is lost, and what goes twice goes under the same id."""

import asyncio
import json
import sys
from collections import Counter

import pytest

from broker import limits
from tests.adapters.courier_desk import HAVEN, CourierDesk
from tests.adapters.receivers.scripted import ScriptedReceiver

KILLS = 2
OFFERS = 12


async def _killed(desk: CourierDesk, point: str) -> None:
    told = {"point": point, "dsn": desk.dsn, "zones": str(desk.zones)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.adapters.courier_process", json.dumps(told)
    )
    assert await process.wait() == -9, "it did not come to the point"


@pytest.mark.parametrize("point", ["after claim", "after request", "after answer", "after store"])
async def test_whoever_dies_lets_go_by_its_lease(desk: CourierDesk, receiver: ScriptedReceiver, point: str) -> None:
    """K5 to K8: the next courier takes on what the dead one held, when its lease has run out and no sooner."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, OFFERS)
    for _ in range(KILLS):
        if not await desk.rows("SELECT 1 FROM delivery WHERE ended_at IS NULL"):
            break
        await _killed(desk, point)
        held = await desk.rows(
            "SELECT leased_until - clock_timestamp() AS left FROM delivery WHERE state = 'ATTEMPTED'"
        )
        assert all(0 < row["left"].total_seconds() <= limits.lease_seconds for row in held)
        assert bool(held) == (point != "after store")
        # The time of the lease passes, as it would have.
        await desk.pool.execute(
            "UPDATE delivery SET due_at = clock_timestamp(), leased_until = clock_timestamp() WHERE state = 'ATTEMPTED'"
        )
    async with desk.running():
        await desk.stand(DELIVERED=OFFERS)
    ids = {row["message_id"] for row in await desk.rows("SELECT message_id FROM delivery")}
    arrived = Counter(post.message_id for post in receiver.posts)
    assert arrived.keys() == ids
    assert max(arrived.values()) <= 1 + (KILLS if point in ("after request", "after answer") else 0)
    unknown = await desk.rows("SELECT 1 FROM attempt WHERE code = 'LEASE_EXPIRED'")
    assert bool(unknown) == (point != "after store")
    assert Counter(await desk.told()) == {"delivery.succeeded": OFFERS, "offer.receipted": OFFERS}
