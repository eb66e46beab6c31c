"""Only the jars of the lock are run, wherever they came from."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broker import limits
from broker.errors import JarRefused, JarsUnreachable
from broker.local.jars import Jar, ensure_jars, jar_folder, locked_jars, missing_jars
from broker.local.progress import Silence
from broker.settings import load_settings

_SMALL_JAR = "kafka-tools-api-4.4.0.jar"


class _Watcher(Silence):
    """Remembers the last report."""

    done = total = 0

    def advance(self, done_bytes: int, total_bytes: int) -> None:
        """Remember."""
        self.done, self.total = done_bytes, total_bytes


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with every jar, linked to the user's own so that nothing is fetched twice."""
    settings = load_settings(_env_file=None)
    full = ensure_jars(settings.cache_dir, settings.maven_repository, Silence())
    folder = jar_folder(tmp_path)
    folder.mkdir()
    for jar in full:
        os.link(jar, folder / jar.name) if _same_disk(jar, folder) else shutil.copy(jar, folder)
    return tmp_path


def _same_disk(first: Path, second: Path) -> bool:
    return first.stat().st_dev == second.stat().st_dev


def _small() -> Jar:
    return next(jar for jar in locked_jars() if jar.file_name == _SMALL_JAR)


@contextmanager
def _repository(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _publish(folder: Path, content: bytes) -> None:
    group, artifact, version = _small().coordinate.split(":")
    path = folder / group.replace(".", "/") / artifact / version / _SMALL_JAR
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def test_the_lock_names_kafka_and_its_log_binding_once_each() -> None:
    """45 jars, each with a SHA-256, a size and a coordinate of its own."""
    jars = locked_jars()
    names = [jar.file_name for jar in jars]
    assert len(set(names)) == len(names)
    assert {"kafka_2.13-4.4.0.jar", "log4j-slf4j-impl-2.25.5.jar"} <= set(names)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size_bytes > 0 for jar in jars)


def test_a_tampered_jar_is_refused(cache: Path) -> None:
    """One changed byte is enough, and the message says which file and what to do."""
    path = jar_folder(cache) / _SMALL_JAR
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(JarRefused, match=_SMALL_JAR) as refused:
        ensure_jars(cache, "http://127.0.0.1:9", Silence())
    assert str(path) in refused.value.remedy


def test_a_jar_that_the_lock_does_not_name_is_refused(cache: Path) -> None:
    """A stranger in the folder is not run and not overlooked."""
    (jar_folder(cache) / "aaa.jar").write_bytes(b"PK")
    with pytest.raises(JarRefused, match=r"aaa\.jar is not in the lock"):
        ensure_jars(cache, "http://127.0.0.1:9", Silence())


def test_a_missing_jar_is_fetched_and_its_progress_told(cache: Path, tmp_path: Path) -> None:
    """A mirror serves it; the class path is whole again, in the lock's order."""
    path = jar_folder(cache) / _SMALL_JAR
    _publish(tmp_path / "mirror", path.read_bytes())
    path.unlink()
    assert missing_jars(cache) == (_small(),)
    watcher = _Watcher()
    with _repository(tmp_path / "mirror") as url:
        class_path = ensure_jars(cache, url, watcher)
    assert [one.name for one in class_path] == [jar.file_name for jar in locked_jars()]
    assert watcher.done == watcher.total == _small().size_bytes


def test_a_repository_that_sends_something_else_is_refused(cache: Path, tmp_path: Path) -> None:
    """What differs from the lock does not even reach the folder."""
    path = jar_folder(cache) / _SMALL_JAR
    path.unlink()
    _publish(tmp_path / "mirror", b"PK something else")
    with _repository(tmp_path / "mirror") as url, pytest.raises(JarRefused, match="kafka-tools-api"):
        ensure_jars(cache, url, Silence())
    assert not path.exists()


def test_an_unreachable_repository_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries the start gives up and says what to look at."""
    monkeypatch.setattr(limits, "jar_download_attempts", 2)
    (jar_folder(cache) / _SMALL_JAR).unlink()
    with pytest.raises(JarsUnreachable) as unreachable:
        ensure_jars(cache, "http://127.0.0.1:9", Silence())
    assert "proxy" in unreachable.value.remedy
