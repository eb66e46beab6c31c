"""`handoff serve` and `handoff up`: each process alone, in as many copies as one likes, or a county on one machine."""

import asyncio
import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from broker.collecting import collect_seldom
from broker.composition import (
    BROKER_PROCESSES,
    Process,
    ensure_broker_key,
    ensure_log_key,
    running_broker,
    running_sequencer,
)
from broker.local.parts import attached, parts_for
from broker.local.processes import serving
from broker.local.progress import told_to_person
from broker.serving import until_told_to_stop
from broker.settings import Settings, load_settings


def serve(
    process: Annotated[Process, typer.Argument(help="Which process: broker, relay, clock, sequencer, adapter or web.")],
) -> None:
    """Run one process of the network until it is stopped. Start it again, here or elsewhere, for another copy."""
    settings = load_settings()
    _log(settings)
    if process is Process.ADAPTER:
        asyncio.run(_serve_adapter(attached(settings, "kafka_bootstrap", "provider_postgres_dsn")))
    elif process is Process.SEQUENCER:
        asyncio.run(_serve_sequencer(attached(settings, "postgres_sequencer_dsn")))
    elif process is Process.WEB:
        asyncio.run(_serve_web(attached(settings, "kafka_bootstrap", "postgres_dsn")))
    else:
        asyncio.run(_serve_broker(attached(settings), process))


async def _serve_broker(settings: Settings, process: Process) -> None:
    async with running_broker(settings, process):
        await _stay(process.value)


async def _serve_sequencer(settings: Settings) -> None:
    async with running_sequencer(settings):
        await _stay(Process.SEQUENCER.value)


async def _serve_adapter(settings: Settings) -> None:
    from broker.app import adapter  # brings opening keys along: only ever into the provider zone's own process

    async with adapter(settings) as zone, asyncio.TaskGroup() as group:
        watching = group.create_task(zone.ended())
        await _stay(Process.ADAPTER.value)
        watching.cancel()


async def _serve_web(settings: Settings) -> None:
    from broker.web.running import running_web  # a web framework, for whoever opens a door

    async with running_web(settings):
        await _stay(Process.WEB.value)


async def _stay(what: str) -> None:
    collect_seldom()
    typer.echo(f"{what} is running; Ctrl-C stops it.", err=True)
    await until_told_to_stop()


def up() -> None:
    """Run one county on this machine: Kafka and PostgreSQL where no addresses are set, and every process."""
    settings = load_settings()
    _log(settings)
    asyncio.run(_up(settings))


async def _up(settings: Settings) -> None:
    from broker.app import prepare

    with told_to_person() as progress:
        async with parts_for(settings, progress) as complete:
            await prepare(complete)
            ensure_broker_key(complete)
            ensure_log_key(complete)
            # The provider zone is a process of its own even here: the broker's must never hold an opening key.
            with serving(complete, Process.ADAPTER, complete.home / "logs" / "adapter.log"), _web(complete):
                async with running_broker(complete, *BROKER_PROCESSES):
                    await _stay("The county")


def _web(settings: Settings) -> AbstractContextManager[object]:
    """The door for agencies where an address is set, apart from the broker's signing key."""
    if settings.web_address is None:
        return nullcontext()
    return serving(settings, Process.WEB, settings.home / "logs" / "web.log")


def migrate() -> None:
    """Bring the broker's tables up to date, as the role that owns them (HANDOFF_POSTGRES_OWNER_DSN)."""
    from broker.app import prepare

    asyncio.run(prepare(attached(load_settings())))
    typer.echo("Tables are up to date.")


def _log(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level.value, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # asyncpg tells a traceback for every attempt to connect while PostgreSQL is away.
    for noisy in ("aiokafka", "asyncpg", "faststream"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
