"""The county of compose.yaml, running for the length of a block under a name of its own; nothing of it stays."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from deploy.check.images import ROOT
from deploy.check.shell import CheckFailed, await_true, run, step, succeeds

COMPOSE_FILE: Final = ROOT / "deploy" / "compose.yaml"
LASTING: Final = ("kafka", "postgres", "broker", "relay", "clock", "sequencer", "adapter")
_PASSWORDS: Final = (
    "POSTGRES_PASSWORD",
    *("BROKER_OWNER_PASSWORD", "BROKER_APP_PASSWORD", "BROKER_SEQUENCER_PASSWORD"),
    *("PROVIDER_OWNER_PASSWORD", "PROVIDER_APP_PASSWORD"),
)
_HEALTHY_SECONDS_MAX: Final = 180.0
INBOX_PORT: Final = 8092
"""Where the adapter's container shows the pages of the staff."""


class County:
    """The running containers, and a folder that the people's containers share."""

    def __init__(self, compose: tuple[str, ...], exchange: Path, env: Mapping[str, str]) -> None:
        """`compose` is the command with which this machine runs compose files."""
        self._compose, self._env = compose, env
        self.exchange = exchange

    def run(self, service: str, *arguments: str) -> str:
        """What a command of ours prints, in a new container of this service."""
        return self._do("run", "--rm", "-T", service, *arguments)

    def shell(self, service: str, script: str) -> str:
        """What a shell script prints, in a new container of this service."""
        return self._do("run", "--rm", "-T", "--entrypoint", "sh", service, "-euc", script)

    def execute(self, service: str, *command: str) -> str:
        """What a program prints, in the running container of this service."""
        return self._do("exec", "-T", service, *command)

    def start(self) -> None:
        """Start everything and wait until each lasting container says that it is healthy."""
        self._do("up", "--detach")
        for service in LASTING:
            await_true(f"{service} is healthy", partial(self._healthy, service), _HEALTHY_SECONDS_MAX)

    def logs(self) -> str:
        """The last lines of everybody."""
        return self._do("logs", "--no-color", "--tail=25")

    def remove(self) -> None:
        """Containers, network and volumes."""
        self._do("down", "--volumes", "--timeout=10")

    def _healthy(self, service: str) -> bool:
        container = self._do("ps", "--quiet", service).strip()
        state = "{{.State.Status}} {{.State.Health.Status}}"
        return (
            bool(container) and run("docker", "inspect", "-f", state, container, env=self._env) == "running healthy\n"
        )

    def _do(self, *arguments: str) -> str:
        return run(*self._compose, "--file", str(COMPOSE_FILE), *arguments, env=self._env)


@contextmanager
def county(images: Mapping[str, str], env: Mapping[str, str]) -> Iterator[County]:
    """The county of these images, started and healthy.

    Raises:
        CheckFailed: it does not start, or the block found something; the containers' last words are told.
    """
    with tempfile.TemporaryDirectory(prefix="warm-handoff-exchange-") as folder:
        exchange = Path(folder)
        exchange.chmod(0o777)  # our containers' user is none of this machine's
        own = {
            "COMPOSE_PROJECT_NAME": f"warm-handoff-check-{os.getpid()}",
            "EXCHANGE": folder,
            "HANDOFF_INBOX_ADDRESS": f"0.0.0.0:{INBOX_PORT}",
            "HANDOFF_INBOX_URL": "https://inbox.example",
            **{name: secrets.token_hex(24) for name in _PASSWORDS},
        }
        running = County(_compose(env), exchange, {**env, **images, **own})
        try:
            with step("Starting the county of compose.yaml until every container is healthy"):
                running.start()
            yield running
        except CheckFailed as failed:
            raise CheckFailed(f"{failed}\n\nThe containers' last words:\n{running.logs()}") from None
        finally:
            with step("Removing it"):
                running.remove()


def _compose(env: Mapping[str, str]) -> tuple[str, ...]:
    if succeeds("docker", "compose", "version", env=env):
        return ("docker", "compose")
    if shutil.which("docker-compose") is None:
        raise CheckFailed(
            "Neither `docker compose` nor `docker-compose` is installed (on Debian: apt install docker-compose)."
        )
    return ("docker-compose",)
