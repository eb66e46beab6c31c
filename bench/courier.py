"""One courier in a process of its own: it connects, says a line, waits for one, and hands over until it is killed."""

import asyncio
import sys
from pathlib import Path

from adapters.courier import Courier
from adapters.inbox.inboxes import database
from adapters.provider import load_providers
from bench.deliveries import WAYS
from broker.collecting import collect_seldom
from tests.adapters.courier_desk import CourierDesk


async def run(dsn: str, zones: Path, way: str, port: int) -> None:
    """Hand over what is due at this database, to the receiver at this port."""
    async with database(dsn) as pool:
        desk = CourierDesk(pool, zones, dsn, {way: WAYS[way].transport(port)}, dict(load_providers(zones)))
        courier = Courier(desk.parts())
        collect_seldom()  # as `handoff serve` does
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        await courier.run()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
