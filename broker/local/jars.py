"""Kafka's jars: exactly those that `kafka.lock` names, byte for byte, or none is run.

jgo fetches each locked coordinate from Maven Central or a mirror; nothing is resolved at run time, so no new release of
a dependency can slip in. The folder is shared between all copies of a user and is named after the lock's digest.
"""

import hashlib
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from broker import limits
from broker.errors import JarRefused, JarsUnreachable
from broker.local.progress import Progress

KAFKA_VERSION = "4.4.0"
LOCK = resources.files("broker.local") / "kafka.lock"


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: `sha256 bytes group:artifact:version`."""

    sha256: str
    size_bytes: int
    coordinate: str

    @property
    def file_name(self) -> str:
        """`artifact-version.jar`."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def locked_jars() -> tuple[Jar, ...]:
    """Every jar of the lock that ships in this package."""
    lines = (line.split() for line in LOCK.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(Jar(sha256, int(size), coordinate) for sha256, size, coordinate in lines)


def jar_folder(cache: Path) -> Path:
    """Where the jars of this lock lie in a cache folder."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return cache / f"kafka-{KAFKA_VERSION}-{digest[:12]}"


def missing_jars(cache: Path) -> tuple[Jar, ...]:
    """The jars that a start would download."""
    folder = jar_folder(cache)
    return tuple(jar for jar in locked_jars() if not (folder / jar.file_name).exists())


def ensure_jars(cache: Path, repository: str | None, progress: Progress) -> tuple[Path, ...]:
    """The class path: downloads what is missing from `repository` (a URL; None is Maven Central), hashes every jar.

    Raises `JarsUnreachable` when the repository cannot be reached, `JarRefused` when a file differs from the lock or a
    jar lies there that the lock does not name.
    """
    folder = jar_folder(cache)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if missing := missing_jars(cache):
        _download(missing, folder, repository, progress)
    _verify(folder)
    return tuple(folder / jar.file_name for jar in locked_jars())


def _verify(folder: Path) -> None:
    jars = locked_jars()
    if strangers := {path.name for path in folder.glob("*.jar")} - {jar.file_name for jar in jars}:
        raise _refused(folder / min(strangers), "is not in the lock")
    with ThreadPoolExecutor(limits.jar_download_workers) as threads:
        digests = threads.map(lambda jar: _sha256(folder / jar.file_name), jars)
        for jar, digest in zip(jars, digests, strict=True):
            if digest != jar.sha256:
                raise _refused(folder / jar.file_name, "differs from the lock")


def _refused(path: Path, why: str) -> JarRefused:
    return JarRefused(
        f"{path} {why}; it will not be run.",
        remedy=f"Find out who changed it. To fetch it afresh, remove {path} and start again.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(jars: Sequence[Jar], folder: Path, repository: str | None, progress: Progress) -> None:
    """Fetch into a folder beside `folder` and move in what fits: two copies may do this at once."""
    progress.say(f"Fetching {len(jars)} jars of Kafka {KAFKA_VERSION} (once; kept in {folder})")
    arrived = _Arrived(sum(jar.size_bytes for jar in jars), progress)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as draft:
        source = _Repository(repository, Path(draft), arrived)
        with ThreadPoolExecutor(limits.jar_download_workers) as threads:
            for jar, fetched in zip(jars, threads.map(source.fetch, jars), strict=True):
                if _sha256(fetched) != jar.sha256:
                    raise JarRefused(
                        f"What the repository sent for {jar.coordinate} differs from the lock.",
                        remedy="A proxy or the repository has changed it; try another network.",
                    )
                fetched.replace(folder / jar.file_name)


class _Arrived:
    """Counts bytes over all downloads, in the shape that jgo reports them."""

    def __init__(self, total_bytes: int, progress: Progress) -> None:
        self._done, self._total, self._progress = 0, total_bytes, progress
        self._lock = threading.Lock()

    def __call__(self, _file_name: str, _size_bytes: int) -> "_Arrived":
        return self

    def __enter__(self) -> Any:
        return self._add

    def __exit__(self, *_: object) -> None:
        return None

    def _add(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._progress.advance(min(self._done, self._total), self._total)


class _Repository:
    """Maven Central or a mirror through jgo, which takes half a second to import and is needed once."""

    def __init__(self, url: str | None, draft: Path, arrived: _Arrived) -> None:
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext, PythonResolver
        from requests import RequestException

        self._failures = (RequestException, RuntimeError, OSError)
        self._context = MavenContext(
            resolver=PythonResolver(progress_callback=arrived),
            repo_cache=draft,
            local_repos=[],
            remote_repos={"": url or MAVEN_CENTRAL_URL},
            timeout=limits.jar_request_seconds_max,
        )

    def fetch(self, jar: Jar) -> Path:
        """The downloaded file, not yet checked. Raises `JarsUnreachable`."""
        group, artifact, version = jar.coordinate.split(":")
        try:
            for attempt in self._attempts():
                with attempt:
                    wanted = self._context.project(group, artifact).at_version(version).artifact()
                    if (half := wanted.cached_path) is not None:
                        half.unlink(missing_ok=True)  # what an attempt before has left
                    return Path(wanted.resolve())
        except self._failures as error:
            raise JarsUnreachable(f"{jar.coordinate} could not be downloaded ({type(error).__name__}).") from error
        raise AssertionError("tenacity ends by returning or raising")

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(self._failures),
            stop=stop_after_attempt(limits.jar_download_attempts),
            wait=wait_exponential_jitter(multiplier=0.5, max=5),
            reraise=True,
        )
