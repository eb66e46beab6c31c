"""Chromium for the tests: Debian's own, installed here where that can be done, named in a clear sentence where not."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

PACKAGE: Final = "chromium-headless-shell"
_SECONDS_MAX: Final = 300
_REMEDY: Final = (
    f"The tests of the pages need Chromium. On Debian and Ubuntu, as root: apt-get install {PACKAGE};"
    " elsewhere name one: CHROMIUM=/path/to/chromium make test"
)


class NoChromium(Exception):
    """There is no Chromium here, and none can be installed."""


def chromium() -> str:
    """The path of a Chromium, installed by apt where this is root's machine and has none."""
    if named := os.environ.get("CHROMIUM"):
        return named
    if (found := _found()) is not None:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        if (found := _found()) is not None:
            return found
    raise NoChromium(_REMEDY)


def _found() -> str | None:
    return shutil.which(PACKAGE) or shutil.which("chromium")


def _install() -> None:
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", PACKAGE]):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
        if done.returncode:
            raise NoChromium(f"{_REMEDY}. apt-get said: {done.stderr[-500:]}")


def arguments() -> list[str]:
    """What Chromium is started with: without its sandbox only where root must run it, in a container."""
    return ["--no-sandbox"] if Path("/proc").exists() and os.geteuid() == 0 else []
