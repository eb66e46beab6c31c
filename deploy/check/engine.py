"""The Docker engine of the check: the one that answers, or one of its own that ends with the check."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from deploy.check.shell import CheckFailed, await_true, step, succeeds

_START_SECONDS_MAX = 60.0
_STOP_SECONDS_MAX = 30.0


def engine_folder() -> Path:
    """What an engine of our own keeps from one check to the next: the images, so that they are built once."""
    return user_cache_path("warm-handoff") / "images-check"


@contextmanager
def engine(*, own: bool) -> Iterator[dict[str, str]]:
    """The environment for Docker's commands while an engine answers.

    Raises:
        CheckFailed: none does, or ours does not start.
    """
    if not own:
        if not succeeds("docker", "info"):
            raise CheckFailed(
                "No Docker engine answers. Start one, or let the check start its own, as root: "
                'make images-check ARGS="--own-engine" (on Debian: apt install docker.io docker-compose).'
            )
        yield dict(os.environ)
        return
    with tempfile.TemporaryDirectory(prefix="warm-handoff-engine-") as folder, _dockerd(Path(folder)) as address:
        yield {**os.environ, "DOCKER_HOST": address}


@contextmanager
def _dockerd(run: Path) -> Iterator[str]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise CheckFailed("An engine of our own needs root and `dockerd` (on Debian: apt install docker.io).")
    address = f"unix://{run}/engine.sock"
    command = (
        *("dockerd", "--host", address, "--pidfile", f"{run}/engine.pid"),
        *("--exec-root", f"{run}/exec", "--data-root", str(engine_folder())),
    )
    log = run / "engine.log"
    with step("Starting a Docker engine of our own"), log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written, start_new_session=True)
        try:
            await_true("the engine answers", lambda: _answers(process, address, log), _START_SECONDS_MAX, 0.2)
        except CheckFailed:
            process.terminate()
            process.wait(_STOP_SECONDS_MAX)
            raise
    try:
        yield address
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS_MAX)


def _answers(process: "subprocess.Popen[bytes]", address: str, log: Path) -> bool:
    if process.poll() is not None:
        raise CheckFailed(f"dockerd ended by itself:\n{log.read_text()[-2000:]}")
    return succeeds("docker", "--host", address, "info")
