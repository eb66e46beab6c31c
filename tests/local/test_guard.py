"""A guarded program never outlives whoever started it, and its end is always noticed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from broker.errors import PartCrashed
from broker.local import guard
from broker.local.child import GuardedChild, Program
from tests.local.processes import gone

_PARENT = """
import json, signal, sys, time
from pathlib import Path
from broker.local.child import GuardedChild, Program
folder = Path(sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)  # Who was started in the background ignores it from birth.
child = GuardedChild(Program("sleep", ["/bin/sleep", "600"], folder, folder / "log", signal.SIGTERM))
print(json.dumps(child.pid), flush=True)
while True:
    time.sleep(0.1)  # A signal that comes just before a sleep is heard after it.
"""


def _program(folder: Path, *command: str) -> Program:
    return Program("program", command, folder, folder / "log", signal.SIGTERM)


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_program_ends_with_its_parent_however_that_dies(tmp_path: Path, death: signal.Signals) -> None:
    """kill -9 included: nothing that the parent could have run on its way out is needed."""
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        pid = json.loads(parent.stdout.readline())
        assert _alive(pid)
        parent.send_signal(death)
        parent.wait(10)
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's own")
def test_a_program_ends_with_its_guard(tmp_path: Path) -> None:
    """Killing the guard does not set the program free."""
    child = GuardedChild(_program(tmp_path, "/bin/sleep", "600"))
    os.kill(psutil.Process(child.pid).ppid(), signal.SIGKILL)
    assert gone(child.pid)
    child.stop()


def test_a_program_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    """One that ignores the request to stop is ended after the grace, and that can be told from its exit code."""
    stubborn = ["/bin/sh", "-c", "trap '' TERM; echo begun; while :; do sleep 0.05; done"]
    arguments = [str(int(signal.SIGTERM)), "0.3", "-", str(tmp_path / "log"), "--", *stubborn]
    command = [sys.executable, "-I", "-S", guard.__file__, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        while not (log := tmp_path / "log").exists() or log.read_text() != "begun\n":
            time.sleep(0.01)
        process.stdin.close()
        assert process.wait(10) == 128 + signal.SIGKILL
    assert gone(pid)


def test_killing_is_told_from_stopping(tmp_path: Path) -> None:
    """`kill` leaves no time for tidying up, `stop` does: the program's own words in the log show it."""
    tidy = ["/bin/sh", "-c", "trap 'echo tidied; exit 0' TERM; echo begun; while :; do sleep 0.02; done"]
    for end, expected in ((GuardedChild.kill, "begun\n"), (GuardedChild.stop, "begun\ntidied\n")):
        log = tmp_path / f"{end.__name__}.log"
        child = GuardedChild(Program("program", tidy, tmp_path, log, signal.SIGTERM))
        child.await_ready(lambda log=log: log.exists() and "begun" in log.read_text(), 10)  # type: ignore[misc]
        end(child)
        assert not child.running()
        assert log.read_text() == expected


def test_a_program_that_fails_while_starting_is_noticed_at_once(tmp_path: Path) -> None:
    """Nobody waits for the deadline when the program is already gone."""
    child = GuardedChild(_program(tmp_path, "/bin/sh", "-c", "exit 7"))
    begun = time.monotonic()
    with pytest.raises(PartCrashed, match="code 7"):
        child.await_ready(lambda: False, 60)
    assert time.monotonic() - begun < 30
    child.stop()


def test_a_program_that_does_not_exist_is_named_in_the_log(tmp_path: Path) -> None:
    """The reason is in the log, and the exit code is the shell's for it."""
    assert GuardedChild(_program(tmp_path, "/no/such/program")).await_end(10) == 127
    assert "cannot start program" in (tmp_path / "log").read_text()


def test_a_program_inherits_nothing_of_ours(tmp_path: Path) -> None:
    """No open file and no variable of ours reaches it: a secret in the environment stays with us."""
    os.environ["WARM_HANDOFF_TEST_SECRET"] = "x"
    try:
        script = "env; ls /proc/self/fd 2>/dev/null | wc -l"
        assert GuardedChild(_program(tmp_path, "/bin/sh", "-c", script)).await_end(10) == 0
    finally:
        del os.environ["WARM_HANDOFF_TEST_SECRET"]
    log = (tmp_path / "log").read_text()
    assert "WARM_HANDOFF_TEST_SECRET" not in log
    assert int(log.split()[-1]) <= 4, "0, 1, 2 and the one that ls opened"
