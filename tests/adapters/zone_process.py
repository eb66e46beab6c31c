"""One copy of the provider zone as a process of its own, to be killed: settings as JSON in the first argument."""

import asyncio
import json
import sys
from pathlib import Path

from adapters.inbox.inboxes import database
from adapters.provider import load_providers
from adapters.zone import ProviderZone, ZoneParts
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus
from tests.adapters.network import BROKER


async def _serve(told: dict[str, str]) -> None:
    async with database(told["dsn"]) as pool:
        parts = ZoneParts(
            pool=pool,
            kafka={"bootstrap_servers": told["bootstrap"]},
            topics=Topics(MsgStatus.ACTUAL, told["prefix"]),
            broker_org=BROKER,
            load_providers=lambda: load_providers(Path(told["zones"])),
            group=told["group"],
        )
        await ProviderZone(parts).run()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
