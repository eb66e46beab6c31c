"""`handoff doctor`: what this installation has, what it reaches at which version, and what to do about the rest.

Prints no secret: addresses of Kafka are shown, those of databases are not.
"""

import asyncio
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import SecretStr

from broker.commands.channel_finding import channel_findings
from broker.commands.clock_finding import clock_finding
from broker.commands.findings import Finding, State
from broker.commands.key_ages import key_findings
from broker.commands.quarantine_finding import quarantine_finding
from broker.errors import HandoffError, KafkaLoginRefused
from broker.local.jars import KAFKA_VERSION, ensure_jars, locked_jars, missing_jars
from broker.local.kafka import java_path
from broker.local.parts import running_addresses
from broker.local.postgres import binaries
from broker.local.progress import Silence
from broker.settings import Settings, load_settings

T = TypeVar("T")

_PYTHON_MIN = (3, 11)
_POSTGRES_MIN = 15_00_00
_DISK_BYTES_MIN = 1_000_000_000
_UNREACHED = "Check the address and the login in its setting, and that the server runs."


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON array.")] = False,
) -> None:
    """Tell what is reachable, at which version, and what is missing. Exits 0 when nothing is missing, else 1."""
    findings = asyncio.run(examine(load_settings()))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        _print(findings)
    raise typer.Exit(any(finding.state is State.MISSING for finding in findings))


async def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order of the report."""
    local = running_addresses(settings.home)
    whole = local.completing(settings) if local else settings
    alone = _sequencer_alone(settings)
    return [
        _python(),
        *([] if settings.kafka_bootstrap or alone else [_java(), _jars(settings)]),
        *([] if _given(settings) else [_postgres_programs()]),
        *([] if alone else [await _reached("Kafka", whole.kafka_bootstrap, lambda _: _kafka(whole))]),
        *[await _reached(thing, dsn, partial(_postgres, thing)) for thing, dsn in _databases(whole)],
        *await clock_finding(whole.postgres_dsn),
        *await quarantine_finding(whole),
        *await channel_findings(whole),
        _data_folder(settings.home),
        _zones(settings.zones),
        *key_findings(settings.zones, datetime.now(UTC)),
    ]


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.thing) for finding in findings)
    for finding in findings:
        typer.echo(f"{finding.state.value:<8} {finding.thing:<{width}}  {finding.found}")
        if finding.remedy:
            typer.echo(f"{'':8} {'':{width}}  → {finding.remedy}")


def _python() -> Finding:
    enough = sys.version_info >= _PYTHON_MIN
    remedy = "" if enough else "Install Python 3.11 or later and run `make` with PYTHON=python3.11."
    return Finding("Python", State.OK if enough else State.MISSING, platform.python_version(), remedy)


def _java() -> Finding:
    try:
        told = subprocess.run([java_path(), "-version"], capture_output=True, text=True, check=True).stderr
    except HandoffError as error:
        return Finding("Java", State.MISSING, str(error), error.remedy)
    except (OSError, subprocess.CalledProcessError) as error:
        return Finding("Java", State.MISSING, f"cannot be run ({type(error).__name__})", "Install the packages again.")
    return Finding("Java", State.OK, told.splitlines()[0])


def _jars(settings: Settings) -> Finding:
    missing, all_of_them = missing_jars(settings.cache_dir), locked_jars()
    if missing:
        found = f"{len(all_of_them) - len(missing)} of {len(all_of_them)} jars of {KAFKA_VERSION} in the cache"
        return Finding("Kafka's jars", State.IDLE, found, "Fetched at the first start; that needs a network.")
    try:
        ensure_jars(settings.cache_dir, settings.maven_repository, Silence())
    except HandoffError as error:
        return Finding("Kafka's jars", State.MISSING, str(error), error.remedy)
    return Finding("Kafka's jars", State.OK, f"{len(all_of_them)} of {KAFKA_VERSION}, each as the lock says")


def _postgres_programs() -> Finding:
    try:
        told = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except HandoffError as error:
        return Finding("PostgreSQL's programs", State.MISSING, str(error), error.remedy)
    except (OSError, subprocess.CalledProcessError) as error:
        found = f"cannot be run ({type(error).__name__})"
        return Finding("PostgreSQL's programs", State.MISSING, found, "Install the packages again.")
    return Finding("PostgreSQL's programs", State.OK, told.strip())


async def _reached(thing: str, address: T | None, look: Callable[[T], Awaitable[Finding]]) -> Finding:
    if address is None:
        return Finding(thing, State.IDLE, "embedded, not running", "`handoff up` or `make demo` starts it.")
    try:
        return await look(address)
    except HandoffError as error:
        remedy = error.remedy if isinstance(error, KafkaLoginRefused) else _UNREACHED
        return Finding(thing, State.MISSING, str(error), remedy)


async def _kafka(settings: Settings) -> Finding:
    from broker.commands.probes import find_kafka

    found = await find_kafka(settings)
    told = f"{found.release}, {found.brokers} broker(s), cluster {found.cluster_id}, at {settings.kafka_bootstrap}"
    return Finding("Kafka", State.OK, told)


async def _postgres(thing: str, dsn: SecretStr) -> Finding:
    from broker.commands.probes import find_postgres

    found = await find_postgres(dsn.get_secret_value())
    told = f"{found.version}, as role {found.role}"
    if found.version_number < _POSTGRES_MIN:
        return Finding(thing, State.MISSING, told, "Version 15 or later is needed.")
    if found.superuser:
        return Finding(thing, State.MISSING, f"{told}, a superuser", "Use a role that owns no table and is none.")
    return Finding(thing, State.OK, told)


def _databases(settings: Settings) -> list[tuple[str, SecretStr | None]]:
    """The zones' databases. With one of them given, the other belongs to another installation unless given too."""
    return [*_given(settings).items()] or [("PostgreSQL", None), ("PostgreSQL (providers)", None)]


def _given(settings: Settings) -> dict[str, SecretStr]:
    """The databases whose addresses are known."""
    every = {
        "PostgreSQL": settings.postgres_dsn,
        "PostgreSQL (providers)": settings.provider_postgres_dsn,
        "PostgreSQL (sequencer)": settings.postgres_sequencer_dsn,
    }
    return {thing: dsn for thing, dsn in every.items() if dsn is not None}


def _sequencer_alone(settings: Settings) -> bool:
    """Whether this is the sequencer's container: it has the log's database and no Kafka, embedded or not."""
    return settings.kafka_bootstrap is None and set(_given(settings)) == {"PostgreSQL (sequencer)"}


def _data_folder(home: Path) -> Finding:
    if not home.exists():
        return Finding("Data folder", State.IDLE, f"{home}, not made yet", "The first start makes it.")
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding("Data folder", State.MISSING, f"{home} cannot be written", "Give it to this user.")
    free = shutil.disk_usage(home).free
    found = f"{home}, {free / 1e9:.0f} GB free"
    if free < _DISK_BYTES_MIN:
        return Finding("Data folder", State.MISSING, found, "Make room: Kafka and PostgreSQL stop on a full disk.")
    return Finding("Data folder", State.OK, found)


def _zones(zones: Path) -> Finding:
    """The zones on this machine: how many, and whether any zone's keys could be read by another user."""
    folders = sorted(zones.glob("*/keys"))
    if not folders:
        return Finding(
            "Zones", State.IDLE, f"none in {zones} yet", "`handoff keys new` or `handoff org host` makes one."
        )
    for keys in folders:
        if keys.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Finding("Zones", State.MISSING, f"{keys} is open to other users", f"Run: chmod 700 {keys}")
    return Finding("Zones", State.OK, f"{len(folders)} in {zones}")
