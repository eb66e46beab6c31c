"""Runs programs to their end and tells each step with its time; a program that fails ends the check with its words."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

_LINES_TOLD = 40


class CheckFailed(Exception):
    """The check found that something does not work."""


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell what begins, and how long it took."""
    begun = time.monotonic()
    sys.stdout.write(f"{what} ...\n")
    sys.stdout.flush()
    yield
    sys.stdout.write(f"    {time.monotonic() - begun:.1f} s\n")
    sys.stdout.flush()


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """The standard output of a program that ends well.

    Raises:
        CheckFailed: it does not, with the last lines of what it said.
    """
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise CheckFailed(f"`{command[0]}` is not installed.") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-_LINES_TOLD:])
        raise CheckFailed(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}")
    return done.stdout


def succeeds(*command: str, env: Mapping[str, str] | None = None) -> bool:
    """Whether the program is there and ends well."""
    try:
        return subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def await_true(what: str, look: Callable[[], bool], seconds_max: float, pause_seconds: float = 1.0) -> None:
    """Look until it is so.

    Raises:
        CheckFailed: it is not in time.
    """
    deadline = time.monotonic() + seconds_max
    while not look():
        if time.monotonic() > deadline:
            raise CheckFailed(f"Not within {seconds_max:.0f} seconds: {what}")
        time.sleep(pause_seconds)
