"""Writes `kafka.lock` anew from Maven Central: `python -m broker.local.relock`. Run by a developer, read in review."""

import hashlib
import sys
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext
from jgo.parse import Coordinate

from broker.local.jars import KAFKA_VERSION

_HEAD = """\
# Every jar that the embedded Kafka runs: SHA-256, bytes, Maven coordinate. Written by `make relock-kafka`.
"""


def main() -> None:
    """Resolve, download and hash; replaces the lock beside this file."""
    with tempfile.TemporaryDirectory() as draft:
        lines = sorted(_locked(Path(draft)), key=lambda line: line.split()[2])
    (Path(__file__).parent / "kafka.lock").write_text(_HEAD + "".join(f"{line}\n" for line in lines))
    sys.stderr.write(f"{len(lines)} jars locked\n")


def _locked(repository: Path) -> list[str]:
    context = MavenContext(repo_cache=repository, local_repos=[])
    kafka = Coordinate("org.apache.kafka", "kafka_2.13", KAFKA_VERSION, scope="compile")
    chosen, brought = context.resolver.resolve([context.create_dependency(kafka)])
    artifacts = [one.artifact for one in (*chosen, *(d for d in brought if d.scope in ("compile", "runtime")))]
    return [
        _line(f"{one.groupId}:{one.artifactId}:{one.version}", one.resolve())
        for one in (*artifacts, _log_binding(context, artifacts))
    ]


def _log_binding(context: MavenContext, artifacts: list[Artifact]) -> Artifact:
    """What leads SLF4J 1.7 to the log4j that Kafka brings; without it Kafka's log is thrown away.

    Taken by itself: resolved together with Kafka, its bill of materials would change Kafka's own versions.
    """
    version = next(one.version for one in artifacts if one.artifactId == "log4j-core")
    return context.project("org.apache.logging.log4j", "log4j-slf4j-impl").at_version(version).artifact()


def _line(coordinate: str, path: Path) -> str:
    content = path.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {coordinate}"


if __name__ == "__main__":
    main()
