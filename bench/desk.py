"""The staff pages in a process of their own: it connects, says its port on a line, and serves until it is killed."""

import asyncio
import sys
from pathlib import Path

from adapters.inbox.inboxes import database
from adapters.inbox.web.app import inbox_pages
from adapters.provider import load_providers
from broker import limits
from broker.schemas.vocabulary import MsgStatus
from broker.web.serving import served


async def run(dsn: str, zones: Path) -> None:
    """Serve the pages of the organisations whose folders are here, from this database."""
    async with database(dsn) as pool:
        app = inbox_pages(
            pool, load_providers(zones), MsgStatus.ACTUAL, origin="http://localhost", leave_for="/signed-out"
        )
        at_once = limits.inbox_requests_max
        async with served(app, "127.0.0.1:0", "bench", connections_max=at_once) as (_, port):
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))
