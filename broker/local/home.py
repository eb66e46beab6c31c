"""The data folder of the embedded parts: what lies where, who runs it now, and which ports it had last time.

One process at a time owns a folder, held by a lock that the guards of its children hold too: as long as one of them
lives, nobody else starts over the same files.
"""

import fcntl
import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from broker import limits
from broker.errors import HomeInUse

_SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who runs the parts of a folder: process id, its command, since when (UTC), and when it began (for the system)."""

    pid: int
    command: str
    since: str
    began: float

    def alive(self) -> bool:
        """Whether that very process still runs: neither dead nor waiting to be buried, nor another with its number."""
        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and process.create_time() == self.began
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one data folder. Nothing is made before `make`."""

    path: Path

    @property
    def kafka(self) -> Path:
        """Kafka's log segments and settings."""
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's cluster."""
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        """What the parts wrote."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """The passwords of the embedded PostgreSQL's roles, mode 0600."""
        return self.path / "postgres-roles.json"

    @property
    def memory(self) -> Path:
        """What the next start should find again: ports and Kafka's cluster id."""
        return self.path / "local.json"

    @property
    def running(self) -> Path:
        """The addresses and process ids of the parts while they run."""
        return self.path / "running.json"

    @property
    def lock(self) -> Path:
        """Held by the owner and its guards; its text names the owner."""
        return self.path / "lock"

    @property
    def socket_folder(self) -> Path:
        """Where PostgreSQL's Unix socket lies: in the folder, or in the temporary one where the path is too long."""
        inside = self.path / "run"
        if len(os.fsencode(inside / _SOCKET_NAME)) <= limits.socket_path_bytes_max:
            return inside
        short = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"warm-handoff-{os.getuid()}-{short}"

    def make(self) -> None:
        """Make the folder, closed to other users."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def remember(self, **what: Any) -> None:
        """Keep `what` for the next start."""
        write_private(self.memory, {**self.remembered(), **what})

    def remembered(self) -> dict[str, Any]:
        """What an earlier start kept."""
        return read_json(self.memory)

    def password(self, role: str) -> str:
        """The password of an embedded PostgreSQL role; drawn when first asked for."""
        known = read_json(self.secrets)
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            write_private(self.secrets, known)
        return str(known[role])

    def owner(self) -> Owner | None:
        """Who runs the parts here now; None where nobody does."""
        try:
            descriptor = os.open(self.lock, os.O_RDWR)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _owner(lock.read())
            return None

    @contextmanager
    def owned(self) -> Iterator[int]:
        """Own the folder inside the block; yields the lock's descriptor, for the guards to hold too.

        Waits while the parts of an owner that died are still stopping; raises `HomeInUse` where a living one runs them.
        """
        self.make()
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(_ourselves()).encode(), 0)
            yield descriptor
            self.running.unlink(missing_ok=True)
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        begun = time.monotonic()
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = _owner(os.pread(descriptor, 4096, 0).decode())
                living = owner is not None and owner.alive()
                patience = limits.home_settle_seconds if living else limits.home_release_seconds_max
                if time.monotonic() - begun > patience:
                    raise _in_use(self.path, owner) from None
            time.sleep(limits.poll_seconds)


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON readable by this user only, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; an empty one where there is no such file."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    assert isinstance(content, dict)
    return content


def _ourselves() -> dict[str, Any]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return asdict(Owner(os.getpid(), command, since, psutil.Process().create_time()))


def _owner(text: str) -> Owner | None:
    try:
        return Owner(**json.loads(text))
    except (ValueError, TypeError):  # the owner has the lock and has not yet written its name
        return None


def _in_use(path: Path, owner: Owner | None) -> HomeInUse:
    if owner is None:
        return HomeInUse(f"The data folder {path} is being used by another process.", remedy="Try again in a moment.")
    return HomeInUse(
        f"`{owner.command}` (process {owner.pid}, since {owner.since}) already runs the parts of {path}.",
        remedy="Use it from this shell as it is, end it with `handoff local stop`, "
        "or run a second copy beside it with another HANDOFF_HOME.",
    )
