"""Kafka and PostgreSQL once per test run, started when the first test asks, gone when the run is, however it ends.

A keeper process holds them. It reads a named pipe that the pytest process keeps open for writing: a byte asks it to
start the parts, the end of the pipe is the end of the run. All xdist workers share what it started.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from broker.errors import HandoffError
from broker.local.home import read_json, write_private
from broker.local.parts import local_parts
from broker.local.progress import Lines
from broker.settings import Settings, load_settings

RUN_VARIABLE = "HANDOFF_TEST_RUN"
"""Names the folder of this run to the xdist workers."""

_START_SECONDS_MAX = 300.0
"""A first run downloads 45 MB of jars, or two container images."""

_MEMORY = Path("/dev/shm")
_MEMORY_BYTES_MIN = 4 * 2**30
"""So much must be free for a run whose files are kept in memory: it fills some half a GiB."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Addresses of the run's Kafka and PostgreSQL. `superuser_dsn` is for making databases; it holds a password."""

    kafka_bootstrap: str
    superuser_dsn: str = field(repr=False)


@contextmanager
def test_run(*, containers: bool) -> Iterator[None]:
    """In the pytest process: one run, with its keeper asleep until a test needs it.

    All that the tests write lies in its folder, in memory where there is enough: making and removing the tables, topics
    and indexes of a thousand tests is a third of the time on a disk. `TMPDIR=/var/tmp make test` keeps it on that.
    """
    run = Path(tempfile.mkdtemp(prefix="warm-handoff-tests-", dir=_folder()))
    (run / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(run / "tmp")
    os.mkfifo(run / "pipe")
    pipe = os.open(run / "pipe", os.O_RDWR)
    os.environ[RUN_VARIABLE] = str(run)
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.parts", str(run), *(["containers"] if containers else [])],
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.close(pipe)
        keeper.wait(60)


def _folder() -> str | None:
    """Where runs have their folders: in memory, or None for where temporary files usually are."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return None
    free = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    return str(_MEMORY) if free >= _MEMORY_BYTES_MIN else None


def shared_parts() -> Parts:
    """In a test process: the run's parts, started now if nobody asked before. Raises where they cannot be started."""
    run = Path(os.environ[RUN_VARIABLE])
    with (run / "pipe").open("wb") as pipe:
        pipe.write(b"s")
    deadline = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < deadline:
        if known := read_json(run / "addresses.json"):
            return Parts(**known)
        if failed := read_json(run / "failed.json"):
            raise RuntimeError(f"{failed['message']} {failed['remedy']}")
        time.sleep(0.05)
    raise TimeoutError(f"Kafka and PostgreSQL were not ready after {_START_SECONDS_MAX:.0f} seconds")


def local_settings(home: Path) -> Settings:
    """Settings of embedded parts in `home`."""
    return load_settings(home=home, _env_file=None)


def _keep(run: Path, *, containers: bool) -> None:
    # Without O_NONBLOCK it would wait here for ever for a run that ended before it began.
    reading = os.open(run / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    with os.fdopen(reading, "rb", buffering=0) as pipe, ExitStack() as stack:
        if not pipe.read(1):
            return
        try:
            parts = stack.enter_context(_in_containers() if containers else _embedded(run / "home"))
        except BaseException as error:
            remedy = error.remedy if isinstance(error, HandoffError) else ""
            write_private(run / "failed.json", {"message": f"{type(error).__name__}: {error}", "remedy": remedy})
            raise
        write_private(run / "addresses.json", asdict(parts))
        while pipe.read(64):
            pass


@contextmanager
def _embedded(home: Path) -> Iterator[Parts]:
    """The parts for which no address is given by `HANDOFF_KAFKA_BOOTSTRAP` and `HANDOFF_POSTGRES_DSN`."""
    given = local_settings(home)
    wanted = {"kafka": given.kafka_bootstrap is None, "postgres": given.postgres_dsn is None}
    with local_parts(given, **wanted, progress=Lines()) as parts:
        yield Parts(
            given.kafka_bootstrap or parts.kafka_bootstrap,
            given.postgres_dsn.get_secret_value() if given.postgres_dsn else parts.superuser_dsn,
        )


@contextmanager
def _in_containers() -> Iterator[Parts]:
    """The same tests on the images that a production would run (`--containers`)."""
    from tests.containers import kafka_container, postgres_container

    with kafka_container() as bootstrap, postgres_container(secrets.token_urlsafe(24)) as dsn:
        yield Parts(bootstrap, dsn)


if __name__ == "__main__":
    try:
        _keep(Path(sys.argv[1]), containers="containers" in sys.argv[2:])
    finally:  # here and not in the pytest process, which may have been killed
        shutil.rmtree(sys.argv[1])
