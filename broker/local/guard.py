"""Runs one program and ends it when the process at the other end of standard input is gone, however it went.

Run as a file, with the standard library alone: `python -I -S guard.py SIGNAL GRACE_SECONDS USER LOG -- COMMAND`.
A pipe tells of a death that no handler could announce (kill -9), on every system; Linux's parent-death signal covers
the one case that is left, that this guard itself is killed. Prints the program's process id, then nothing.
"""

import ctypes
import os
import select
import signal
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE = 2, 1
_CAPABILITY_VERSION_3 = 0x20080522
_FIRST_FREE_DESCRIPTOR, _DESCRIPTORS = 3, 1024


def main(arguments: list[str]) -> int:
    """Guard the command; the exit code is the program's, or 128 + the signal that ended it."""
    stop_signal, grace_seconds, user, log = int(arguments[0]), float(arguments[1]), arguments[2], arguments[3]
    for quiet in (signal.SIGINT, signal.SIGHUP):
        signal.signal(quiet, signal.SIG_IGN)
    wake = _wake_on_child_or_stop()
    guard = os.getpid()
    became, becoming = os.pipe()
    child = os.fork()
    if child == 0:
        _become(user, arguments[5:], log, stop_signal, guard, becoming)
    os.close(becoming)
    os.read(became, 1)  # until the command runs: a signal sent before that would be lost
    os.write(1, f"{child}\n".encode())
    while (code := _ended(child)) is None:
        if _parent_gone(wake):
            return _stop(child, stop_signal, grace_seconds)
    return code


def _wake_on_child_or_stop() -> int:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for woken_by in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(woken_by, lambda *_: None)
    return reader


def _parent_gone(wake: int) -> bool:
    """Block until the parent is gone, we are told to stop (True), or a child changed (False)."""
    ready, _, _ = select.select([0, wake], [], [])
    if 0 in ready and not os.read(0, 1):
        return True
    return wake in ready and signal.SIGTERM in os.read(wake, 64)


def _ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _stop(child: int, stop_signal: int, grace_seconds: float) -> int:
    os.kill(child, stop_signal)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        if (code := _ended(child)) is not None:
            return code
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _become(user: str, command: list[str], log: str, stop_signal: int, guard: int, closed_on_exec: int) -> None:
    """In the child: log to `log`, drop root where asked, die with the guard, and turn into the command."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.closerange(_FIRST_FREE_DESCRIPTOR, closed_on_exec)
    os.closerange(closed_on_exec + 1, _DESCRIPTORS)
    signal.set_wakeup_fd(-1)
    for usual in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGTERM):
        signal.signal(usual, signal.SIG_DFL)
    try:
        if user != "-":
            _drop_root(*map(int, user.split(":")))
        _die_with_guard(stop_signal, guard)
        os.execv(command[0], command)  # noqa: S606  the command is ours; a shell would only add a risk
    except OSError as error:
        os.write(2, f"cannot start {Path(command[0]).name}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _drop_root(user: int, group: int) -> None:
    """Become another user, keeping only the right to pass through closed folders.

    PostgreSQL refuses to run as root; a data folder under a home folder or a temporary one is closed to everyone else.
    The kept capability spares us from opening those folders to the whole machine.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if libc and not _keep(libc, _CAP_DAC_READ_SEARCH):
        _keep(libc, _CAP_DAC_OVERRIDE)


def _keep(libc: ctypes.CDLL, capability: int) -> bool:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) != 0:
        return False
    return bool(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def _die_with_guard(stop_signal: int, guard: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
    if os.getppid() != guard:  # it died before the line above
        os._exit(127)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
