"""`handoff local`: what runs in the data folder, how to end it, and how to begin anew."""

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from broker import limits
from broker.errors import HomeInUse, NothingRunning
from broker.local.home import Home, Owner, read_json
from broker.settings import load_settings

app = typer.Typer(help="Look after the embedded Kafka and PostgreSQL and their data.", no_args_is_help=True)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="The same as one JSON object.")] = False,
) -> None:
    """Tell what runs in this data folder, where it is reached, and what it takes."""
    home = Home(load_settings().home)
    told = _status(home)
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    else:
        _print(told)


@app.command()
def stop() -> None:
    """End the process that runs the parts here, and wait until they have closed their files."""
    home = Home(load_settings().home)
    owner = home.owner()
    if owner is None:
        raise NothingRunning(f"Nothing runs in {home.path}.", remedy="")
    os.kill(owner.pid, signal.SIGTERM)
    _await_release(home, owner)
    typer.echo(f"Stopped `{owner.command}` (process {owner.pid}); its data is kept in {home.path}.")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Remove the key files too.")] = False,
) -> None:
    """Remove the data of the embedded parts: everything sent and stored here is gone. Key files stay unless asked."""
    settings = load_settings()
    home = Home(settings.home)
    if (owner := home.owner()) is not None:
        raise HomeInUse(
            f"`{owner.command}` (process {owner.pid}) uses {home.path}.", remedy="End it first: `handoff local stop`."
        )
    if not home.path.exists():
        typer.echo(f"There is nothing in {home.path}.")
        return
    if not yes:
        typer.confirm(f"Remove all data in {home.path}?", abort=True)
    with home.owned():
        for path in _removable(home, settings.zones if keys else None):
            _remove(path)
    typer.echo(f"Removed the data in {home.path}.")


def _removable(home: Home, keys: Path | None) -> list[Path]:
    ours = [home.kafka, home.postgres, home.logs, home.socket_folder, home.secrets, home.memory, home.running]
    return [*ours, keys] if keys else ours


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _await_release(home: Home, owner: Owner) -> None:
    deadline = time.monotonic() + limits.part_stop_seconds_max + limits.home_release_seconds_max
    while home.owner() is not None:
        if time.monotonic() > deadline:
            raise HomeInUse(
                f"`{owner.command}` (process {owner.pid}) does not end.",
                remedy=f"`kill -9 {owner.pid}` ends it; Kafka and PostgreSQL are then stopped in order all the same.",
            )
        time.sleep(limits.poll_seconds)


def _status(home: Home) -> dict[str, Any]:
    owner = home.owner()
    running = read_json(home.running) if owner else {}
    return {
        "folder": str(home.path),
        "owner": {"pid": owner.pid, "command": owner.command, "since": owner.since} if owner else None,
        "kafka": running.get("addresses", {}).get("kafka_bootstrap"),
        "postgres_socket": str(home.socket_folder) if "postgres" in running.get("pids", {}) else None,
        "resident_bytes": {name: _resident(pid) for name, pid in running.get("pids", {}).items()},
        "disk_bytes": {path.name: _size(path) for path in (home.kafka, home.postgres, home.logs) if path.exists()},
    }


def _resident(pid: int) -> int:
    """The memory of a process and its children; what they share is counted once for each."""
    try:
        process = psutil.Process(pid)
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _print(told: dict[str, Any]) -> None:
    owner = told["owner"]
    state = f"`{owner['command']}`, process {owner['pid']}, since {owner['since']}" if owner else "nobody"
    lines = [("Folder", told["folder"]), ("Run by", state)]
    if told["kafka"]:
        lines.append(("Kafka", f"{told['kafka']}  {told['resident_bytes']['kafka'] / 1e6:.0f} MB of memory"))
    if told["postgres_socket"]:
        memory = told["resident_bytes"]["postgres"] / 1e6
        lines.append(("PostgreSQL", f"{told['postgres_socket']}  {memory:.0f} MB of memory"))
    sizes = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in told["disk_bytes"].items())
    lines.append(("On disk", sizes or "nothing yet"))
    for name, text in lines:
        typer.echo(f"{name:<11}{text}")
