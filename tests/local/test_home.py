"""One process owns a data folder at a time; a deep folder, a stale lock or a taken port stops nobody."""

import json
import socket
import stat
from pathlib import Path

import asyncpg
import pytest

from broker.errors import HomeInUse, NothingRunning, PartCrashed, PartNotStartable
from broker.local.home import Home
from broker.local.parts import attached, local_parts, running_addresses
from broker.local.ports import any_free, free
from tests.local.processes import gone, owner_of
from tests.parts import local_settings


def test_a_second_start_says_who_runs_it(home: Path) -> None:
    """The message names the process and its command, and what to do; the first goes on undisturbed."""
    with owner_of(home) as (owner, told):
        with (
            pytest.raises(HomeInUse, match=f"process {owner.pid}") as in_use,
            local_parts(local_settings(home), kafka=False),
        ):
            pass
        assert "handoff local stop" in in_use.value.remedy
        assert not gone_now(told["pids"]["postgres"])


def gone_now(pid: int) -> bool:
    """Whether the process has ended already."""
    return not Path(f"/proc/{pid}").exists() if Path("/proc").exists() else False


async def test_a_second_shell_finds_what_runs(home: Path) -> None:
    """`attached` fills in the addresses; without a running owner it says what to start."""
    with owner_of(home):
        found = running_addresses(home)
        assert found is not None
        assert found.postgres_dsn is not None
        connection = await asyncpg.connect(found.postgres_dsn)
        assert await connection.fetchval("SELECT current_user") == "handoff_broker_app"
        await connection.close()
        assert attached(local_settings(home)).postgres_dsn is not None
    with pytest.raises(NothingRunning, match="No embedded part runs"):
        attached(local_settings(home))


async def test_a_killed_owner_s_data_is_there_at_once_for_the_next(home: Path) -> None:
    """kill -9 leaves no process, no stale lock, and every committed row."""
    with owner_of(home) as (owner, told):
        connection = await asyncpg.connect(told["dsn"])
        await connection.execute("CREATE TABLE kept (said text); INSERT INTO kept VALUES ('yes')")
        await connection.close()
        owner.kill()
        with local_parts_in_thread(home) as parts_dsn:
            connection = await asyncpg.connect(parts_dsn)
            assert await connection.fetchval("SELECT said FROM kept") == "yes"
            await connection.close()
    assert gone(told["pids"]["postgres"])


class local_parts_in_thread:  # noqa: N801  used as a function
    """Another owner, for use inside a running event loop; gives the owner's DSN."""

    def __init__(self, home: Path) -> None:
        """Nothing is started yet."""
        self._owner = owner_of(home)

    def __enter__(self) -> str:
        """Start."""
        _, told = self._owner.__enter__()
        return str(told["dsn"])

    def __exit__(self, *_: object) -> None:
        """Kill."""
        self._owner.__exit__(None, None, None)


def test_a_deep_folder_is_no_obstacle(home: Path) -> None:
    """A Unix socket's path is short, a folder's need not be: the socket then lies in the temporary folder."""
    deep = home / ("d" * 100) / ("e" * 100)
    with local_parts(local_settings(deep), kafka=False) as parts:
        socket_folder = Home(deep).socket_folder
        assert deep not in socket_folder.parents
        assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
        assert str(socket_folder) in parts.superuser_dsn
    assert not socket_folder.exists()


def test_a_socket_folder_of_somebody_else_is_not_used(home: Path) -> None:
    """In the shared temporary folder another user may have put a link in our way."""
    deep = Home(home / ("d" * 100) / ("f" * 100))
    deep.socket_folder.symlink_to(home.parent)
    try:
        refused = pytest.raises(PartNotStartable, match="belongs to another user")
        with refused, local_parts(local_settings(deep.path), kafka=False):
            pass
    finally:
        deep.socket_folder.unlink()


def test_a_broken_cluster_says_what_to_do(home: Path) -> None:
    """A start that fails names the log and the way to begin anew."""
    with local_parts(local_settings(home), kafka=False):
        pass
    (home / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(PartCrashed) as crashed, local_parts(local_settings(home), kafka=False):
        pass
    assert str(home / "logs" / "postgres.log") in crashed.value.remedy
    assert "handoff local reset" in crashed.value.remedy
    assert Home(home).owner() is None


def test_what_is_private_is_closed_to_others(home: Path) -> None:
    """The folder, the passwords and the addresses with passwords are for this user alone."""
    with local_parts(local_settings(home), kafka=False):
        modes = {
            name: stat.S_IMODE((home / name).stat().st_mode) for name in ("", "postgres-roles.json", "running.json")
        }
    assert modes == {"": 0o700, "postgres-roles.json": 0o600, "running.json": 0o600}
    assert len(json.loads((home / "postgres-roles.json").read_text())) == 6


def test_a_taken_port_is_seen() -> None:
    """Only a port that can be bound is free."""
    port = any_free()
    assert free(port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not free(port)
    assert not free(0)
