"""Looks at processes and starts owners of embedded parts that can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

_OWNER = """
import json, sys, time
from broker.local.parts import local_parts
from pathlib import Path
from tests.parts import local_settings
with local_parts(local_settings(Path(sys.argv[1])), kafka="kafka" in sys.argv[2:]) as parts:
    print(json.dumps({"pids": parts.pids(), "dsn": parts.broker_database.owner_dsn}), flush=True)
    time.sleep(600)
"""
_END_SECONDS_MAX = 30.0


@contextmanager
def owner_of(home: Path, *wanted: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Another process that runs PostgreSQL, and Kafka if `wanted`, in `home`: the process, and what it told."""
    command = [sys.executable, "-c", _OWNER, str(home), *wanted]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def gone(pid: int) -> bool:
    """Whether no process has this id any more, waiting as long as an orderly stop may take."""
    deadline = time.monotonic() + _END_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def below(pid: int) -> list[int]:
    """The process ids of all descendants."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def handoff(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, with only these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDOFF_")}
    environment = {**kept, "HANDOFF_HOME": str(home), "COLUMNS": "200", **settings}
    command = [sys.executable, "-m", "broker.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
