"""HAPI FHIR as it comes from Maven, started for one check and ended with it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_NEEDED: Final = ("mvn", "java", "javac")


class NotToBeHad(Exception):
    """The stock server cannot be started on this machine."""


@contextmanager
def stock_server() -> Iterator[str]:
    """The base URL of a server that runs meanwhile; some 400 MB are fetched the first time.

    Raises:
        NotToBeHad: what is missing, or the end of what Maven or the server said.
    """
    if missing := [name for name in _NEEDED if shutil.which(name) is None]:
        raise NotToBeHad(f"{', '.join(missing)} missing. On Debian and Ubuntu: apt install maven default-jdk-headless")
    with tempfile.TemporaryDirectory(prefix="fhir-check-") as folder, (Path(folder) / "log").open("wb+") as log:
        command = ["java", f"-Dlogback.configurationFile={_HERE / 'logback.xml'}", "-cp", _class_path(Path(folder))]
        server = subprocess.Popen(
            [*command, str(_HERE / "StockServer.java")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
        )
        try:
            yield f"http://127.0.0.1:{_port(server, log.name)}/fhir"
        finally:
            server.kill()
            server.communicate()


def _class_path(folder: Path) -> str:
    listed = folder / "class-path"
    goal = ["dependency:build-classpath", f"-Dmdep.outputFile={listed}", "-f", str(_HERE / "pom.xml")]
    done = subprocess.run(["mvn", "-q", "-B", *goal], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotToBeHad(done.stdout[-2000:])
    return listed.read_text().strip()


def _port(server: "subprocess.Popen[str]", log: str) -> int:
    assert server.stdout is not None
    for line in server.stdout:
        name, _, port = line.strip().partition(" ")
        if name == "PORT":
            return int(port)
    raise NotToBeHad(Path(log).read_text(errors="replace")[-2000:])
