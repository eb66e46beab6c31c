"""A program started under its guard: it has a process id, a log, and an end that is always noticed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker import limits
from broker.errors import PartCrashed
from broker.local import guard


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `user` is `uid:gid` to become, or None for our own; `keep_open` are descriptors the guard holds."""

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    stop_signal: signal.Signals
    user: str | None = None
    environment: Mapping[str, str] | None = None
    keep_open: Sequence[int] = ()


class GuardedChild:
    """One running program. It ends with this process, by `stop`, by `kill`, or by itself."""

    def __init__(self, program: Program) -> None:
        """Start `program` in a session of its own, so that Ctrl-C reaches us first and we end it in order."""
        self.program = program
        _shorten(program.log)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, *_guard_arguments(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=program.folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC", **(program.environment or {})},
            pass_fds=tuple(program.keep_open),
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line.strip().isdigit():
            raise PartCrashed(f"{program.name} could not be started.", remedy=f"Its log: {program.log}")
        self.pid = int(line)

    def running(self) -> bool:
        """Whether the program runs."""
        return self._guard.poll() is None

    def await_ready(self, ready: Callable[[], bool], seconds_max: float) -> None:
        """Block until `ready()`; raises `PartCrashed` when the program ends before that or takes too long."""
        deadline = time.monotonic() + seconds_max
        while not ready():
            if not self.running():
                raise PartCrashed(f"{self.program.name} stopped with code {self._guard.returncode} while starting.")
            if time.monotonic() > deadline:
                self.kill()
                raise PartCrashed(f"{self.program.name} was not ready after {seconds_max:.0f} seconds.")
            time.sleep(limits.poll_seconds)

    def await_end(self, seconds_max: float) -> int:
        """Block until the program ends by itself and return its exit code; raises `PartCrashed` after `seconds_max`."""
        try:
            return self._guard.wait(seconds_max)
        except subprocess.TimeoutExpired:
            self.kill()
            raise PartCrashed(f"{self.program.name} did not finish in {seconds_max:.0f} seconds.") from None
        finally:
            self._close()

    def stop(self) -> None:
        """End the program in order; after `part_stop_seconds_max` it is killed. Does nothing when it has ended."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait(limits.part_stop_seconds_max + 5)
        self._close()

    def kill(self) -> None:
        """End the program at once, as a power cut would (SIGKILL)."""
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
        self._guard.wait(limits.part_stop_seconds_max)
        self._close()

    def _close(self) -> None:
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()


def _guard_arguments(program: Program) -> list[str]:
    grace = str(limits.part_stop_seconds_max)
    return [str(int(program.stop_signal)), grace, program.user or "-", str(program.log), "--", *program.command]


def _shorten(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > limits.log_bytes_max:
        log.replace(log.with_suffix(".old.log"))
