"""A4: an auditor checks a bundle alone, on a machine without any network, with the one file and the key."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from broker.trail import handoff_verify
from broker.trail.handoff_verify import HOLDS
from tests.trail.test_verify_files import VERIFIER, bundle, steps

ENTRIES: Final = 20_000
SECONDS_MAX: Final = 30.0
"""For a million entries (reliability.md §6.4); here for a fiftieth of them, on a machine that does other things."""
NO_NETWORK: Final = """
import runpy, sys

def refuse(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "subprocess.", "os.system", "os.exec")):
        print("REFUSED " + event, file=sys.stderr)
        raise SystemExit(99)

sys.addaudithook(refuse)
if sys.argv[1] == "connect":
    import socket
    socket.create_connection(("127.0.0.1", 9))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Python itself refuses what would reach out, whoever asks: sockets, and programs that might open one."""


def _alone(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", NO_NETWORK, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a4_the_verifier_works_without_a_network(tmp_path: Path) -> None:
    """Copied beside nothing of ours, it says that everything holds, in its time, and has asked for no socket."""
    alone = tmp_path / "elsewhere" / "handoff_verify.py"
    alone.parent.mkdir()
    alone.write_bytes(Path(handoff_verify.__file__).read_bytes())
    folder = bundle(tmp_path / "bundle", steps(ENTRIES), [1, 5_000, ENTRIES])
    held = tmp_path / "held"
    held.write_bytes((folder / "checkpoint").read_bytes())
    began = time.monotonic()
    done = _alone(alone, folder, "--vkey", VERIFIER.vkey, "--held", held)
    assert (done.returncode, done.stderr) == (HOLDS, "")
    assert done.stdout.startswith("EVERYTHING HOLDS.")
    assert time.monotonic() - began < SECONDS_MAX


def test_a_socket_would_have_been_refused(tmp_path: Path) -> None:
    """Without this the test above would show nothing."""
    done = _alone("connect")
    assert done.returncode == 99
    assert done.stderr.startswith("REFUSED socket.")
