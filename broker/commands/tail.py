"""`handoff tail`: what the broker says to an agency, as it says it, by HTTP alone: codes, times and references."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import aiohttp
import typer

from broker.agency.by_http import Door
from broker.agency.notices import Hearing
from broker.commands.agency import Org, agency_of
from broker.commands.notices import json_of, line_of
from broker.composition import topics_of, zone_folder
from broker.settings import Settings, load_settings
from broker.zone import load_zone


def tail(
    door: Annotated[
        str, typer.Option("--door", envvar="HANDOFF_DOOR", help="The door's address: https://door.example")
    ],
    org: Org = None,
    once: Annotated[bool, typer.Option("--once", help="Tell what there is, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the notice's data.")] = False,
) -> None:
    """Tell what the broker says to an agency, as it comes, through the network's door: no Kafka is needed. Reads only.

    Each notice is checked against the broker's signature, and left out where that does not hold. With Kafka,
    `handoff notices --follow` tells the same.
    """
    asyncio.run(_tail(load_settings(), door.rstrip("/"), org, follow=not once, as_json=as_json))


async def _tail(settings: Settings, address: str, org: str | None, *, follow: bool, as_json: bool) -> None:
    agency = agency_of(settings, org)
    zone = load_zone(zone_folder(settings, agency), agency, datetime.now(UTC))
    tell = json_of if as_json else line_of
    async with aiohttp.ClientSession() as session:
        async for notice in Door(session, address, Hearing(zone, topics_of(settings))).notices(follow=follow):
            typer.echo(tell(notice))
