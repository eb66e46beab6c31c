"""`handoff agent`: an agency's process that lets in whoever was chosen, day and night, from the keys that are kept."""

import asyncio
import logging

import typer

from broker.agency.attending import NAME, attend
from broker.client import AgencyClient
from broker.commands.agency import Org, agency_of
from broker.local.parts import attached
from broker.serving import until_told_to_stop
from broker.settings import Settings, load_settings


def agent(org: Org = None) -> None:
    """Wrap the kept content keys for providers that are chosen, until Ctrl-C.

    Where you share by agreement, nobody knows at publish time who will accept. Run this beside your system, in the
    zone where the requests are published: it hears who was chosen, checks that against the operator's signed
    directory and your own rules, and wraps the keys for exactly that organisation. It can be stopped and started at
    any moment, and run in several copies on one machine. Its log names ids and codes only. With HANDOFF_BROKER_URL
    it keeps the log's checkpoints; it exits with 6 where the log was cut short or rewritten since the one that it kept.
    """
    settings = load_settings()
    logging.basicConfig(level=settings.log_level.value, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("aiokafka", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    asyncio.run(_serve(attached(settings, "kafka_bootstrap"), org))


async def _serve(settings: Settings, org: str | None) -> None:
    client = AgencyClient.of_settings(settings, agency_of(settings, org), name=NAME)
    async with client:
        attending = asyncio.create_task(attend(client))
        told = asyncio.create_task(until_told_to_stop())
        typer.echo(f"The agent of {client.org} is running; Ctrl-C stops it.", err=True)
        await asyncio.wait({attending, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not attending.done():
            attending.cancel()
            await asyncio.wait({attending})
        else:
            attending.result()
    if client.log is not None and client.log.contradiction is not None:
        raise client.log.contradiction
