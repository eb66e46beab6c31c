"""`handoff serve` and `handoff up`: the processes, each alone in as many copies as one likes, or a county on one machine."""

import asyncio
import logging
from typing import Annotated

import typer

from broker.app import Process, prepare, running
from broker.local.parts import attached, parts_for
from broker.local.progress import told_to_person
from broker.serving import until_told_to_stop
from broker.settings import Settings, load_settings


def serve(
    process: Annotated[Process, typer.Argument(help="Which process: broker, relay, clock or adapter.")],
) -> None:
    """Run one process of the network until it is stopped. Start it again, here or elsewhere, for another copy."""
    settings = attached(load_settings())
    _log(settings)
    asyncio.run(_serve(settings, process))


async def _serve(settings: Settings, *processes: Process) -> None:
    async with running(settings, *processes):
        typer.echo(f"{' '.join(processes)} running; Ctrl-C stops", err=True)
        await until_told_to_stop()


def up() -> None:
    """Run one county on this machine: Kafka and PostgreSQL if no addresses are set, and every process of the network."""
    settings = load_settings()
    _log(settings)
    asyncio.run(_up(settings))


async def _up(settings: Settings) -> None:
    with told_to_person() as progress:
        async with parts_for(settings, progress) as complete:
            await prepare(complete)
            await _serve(complete, *Process)


def migrate() -> None:
    """Bring the tables up to date, as the roles that own them (HANDOFF_POSTGRES_OWNER_DSN)."""
    asyncio.run(prepare(attached(load_settings())))
    typer.echo("Tables are up to date.")


def _log(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level.value, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("aiokafka", "faststream"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
