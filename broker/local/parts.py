"""The embedded Kafka and PostgreSQL of one data folder, started together and ended together, or found running.

`local_parts` starts them for a block; `parts_for` does so only where the settings give no address; `attached` lets a
second shell use what another process runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from broker.errors import NothingRunning
from broker.local.databases import ZoneDatabase, make_database, with_login
from broker.local.home import Home, read_json, write_private
from broker.local.jars import ensure_jars
from broker.local.kafka import LocalKafka
from broker.local.postgres import SUPERUSER, LocalPostgres
from broker.local.progress import Progress, Silence
from broker.settings import Settings

_BROKER_DATABASE, _PROVIDER_DATABASE = "handoff_broker", "handoff_provider"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where running parts are reached; None for a part that is not ours. The DSNs hold passwords."""

    kafka_bootstrap: str | None = None
    postgres_dsn: str | None = field(default=None, repr=False)
    postgres_owner_dsn: str | None = field(default=None, repr=False)
    postgres_sequencer_dsn: str | None = field(default=None, repr=False)
    provider_postgres_dsn: str | None = field(default=None, repr=False)
    provider_postgres_owner_dsn: str | None = field(default=None, repr=False)

    def completing(self, settings: Settings) -> Settings:
        """The settings with these addresses where they have none."""
        ours = {name: value for name, value in asdict(self).items() if value and getattr(settings, name) is None}
        secret = {name: value if name == "kafka_bootstrap" else SecretStr(value) for name, value in ours.items()}
        return settings.model_copy(update=secret)


class LocalParts:
    """Running parts. `kafka` and `postgres` can each be killed and started again, for tests of what happens then."""

    def __init__(self, home: Home, kafka: LocalKafka | None, postgres: LocalPostgres | None) -> None:
        """Parts that are not wanted are None."""
        self.home = home
        self._kafka, self._postgres = kafka, postgres
        self._databases: tuple[ZoneDatabase, ZoneDatabase] | None = None

    @property
    def kafka(self) -> LocalKafka:
        """The embedded Kafka."""
        assert self._kafka is not None, "started without Kafka"
        return self._kafka

    @property
    def postgres(self) -> LocalPostgres:
        """The embedded PostgreSQL."""
        assert self._postgres is not None, "started without PostgreSQL"
        return self._postgres

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port` of Kafka."""
        return self.kafka.bootstrap

    @property
    def postgres_dsn(self) -> str:
        """The broker's database as its everyday role, which owns no table. Holds a password."""
        return self.broker_database.app_dsn

    @property
    def superuser_dsn(self) -> str:
        """For making databases and roles; no process of ours works with it. Holds a password."""
        return self.postgres.dsn

    @property
    def broker_database(self) -> ZoneDatabase:
        """The broker's database."""
        assert self._databases is not None, "started without PostgreSQL"
        return self._databases[0]

    @property
    def provider_database(self) -> ZoneDatabase:
        """The provider zone's database, which the broker's roles cannot enter."""
        assert self._databases is not None, "started without PostgreSQL"
        return self._databases[1]

    def start(self) -> None:
        """Start both at once and return when both answer. Raises `PartCrashed`; the other is then stopped."""
        parts = self._parts()
        with ThreadPoolExecutor(max_workers=2) as threads:
            try:
                for started in [threads.submit(part.start) for part in parts]:
                    started.result()
            except BaseException:
                threads.shutdown(wait=True)
                self.stop()
                raise
        if self._postgres is not None:
            self._databases = asyncio.run(_zone_databases(self._postgres.dsn, self.home.password))
        write_private(self.home.running, {"pids": self.pids(), "addresses": asdict(self.addresses())})

    def stop(self) -> None:
        """Stop what runs; each part has then closed its files."""
        for part in self._parts():
            part.stop()

    def running(self) -> bool:
        """Whether every part runs."""
        return all(part.running() for part in self._parts())

    def pids(self) -> dict[str, int]:
        """Process ids by part."""
        named = {"kafka": self._kafka, "postgres": self._postgres}
        return {name: part.pid for name, part in named.items() if part is not None}

    def addresses(self) -> Addresses:
        """What a process of ours needs to reach the parts."""
        kafka = self._kafka.bootstrap if self._kafka else None
        if self._databases is None:
            return Addresses(kafka_bootstrap=kafka)
        broker, provider = self._databases
        return Addresses(
            kafka, broker.app_dsn, broker.owner_dsn, broker.sequencer_dsn, provider.app_dsn, provider.owner_dsn
        )

    def _parts(self) -> list[LocalKafka | LocalPostgres]:
        return [part for part in (self._kafka, self._postgres) if part is not None]


@contextmanager
def local_parts(
    settings: Settings, *, kafka: bool = True, postgres: bool = True, progress: Progress | None = None
) -> Iterator[LocalParts]:
    """Run the embedded parts of the folder `settings.home` inside the block.

    Raises `HomeInUse`, `JarRefused`, `JarsUnreachable`, `PartCrashed`, `PartNotStartable`. Not to be used on the
    thread of a running event loop: `parts_for` and `asyncio.to_thread` are for that.
    """
    teller = progress or Silence()
    folder = Home(settings.home)
    with ExitStack() as stack:
        lock = stack.enter_context(folder.owned())
        jars = ensure_jars(settings.cache_dir, settings.maven_repository, teller) if kafka else ()
        java_options = settings.kafka_java_options.split()
        parts = LocalParts(
            folder,
            LocalKafka(folder, jars, java_options, lock) if kafka else None,
            LocalPostgres(folder, lock) if postgres else None,
        )
        stack.callback(parts.stop)
        teller.say(f"Starting {' and '.join(_names(kafka, postgres))} in {folder.path}")
        parts.start()
        yield parts


@asynccontextmanager
async def parts_for(settings: Settings, progress: Progress | None = None) -> AsyncIterator[Settings]:
    """The settings with every address filled in: the embedded parts are started for those that have none.

    Raises what `local_parts` raises.
    """
    kafka, postgres = settings.kafka_bootstrap is None, settings.postgres_dsn is None
    if not (kafka or postgres):
        yield settings
        return
    running = local_parts(settings, kafka=kafka, postgres=postgres, progress=progress)
    parts = await asyncio.to_thread(running.__enter__)
    try:
        yield parts.addresses().completing(settings)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


def attached(settings: Settings, *needed: str) -> Settings:
    """The settings with the addresses of the parts that another process runs in `settings.home`.

    `needed` are the settings without which it cannot go on: those of the broker's zone unless others are named.
    Raises `NothingRunning` when one of them is missing and nobody runs the parts.
    """
    if all(getattr(settings, name) is not None for name in needed or ("kafka_bootstrap", "postgres_dsn")):
        return settings
    found = running_addresses(settings.home)
    if found is None:
        raise NothingRunning(f"No embedded part runs in {settings.home}.")
    return found.completing(settings)


def running_addresses(home: Path) -> Addresses | None:
    """Where the parts of this folder are reached; None where nobody runs them or they are still starting."""
    folder = Home(home.absolute())
    known: dict[str, Any] = read_json(folder.running)
    owner = folder.owner()
    return Addresses(**known["addresses"]) if known and owner is not None and owner.alive() else None


def superuser_dsn(settings: Settings) -> SecretStr | None:
    """The broker's database as the embedded PostgreSQL's superuser; None where it is not ours. No process of ours
    works with it: it is for showing what even a superuser cannot hide."""
    if settings.postgres_dsn is None or (found := running_addresses(settings.home)) is None:
        return None
    if found.postgres_dsn != settings.postgres_dsn.get_secret_value():
        return None
    password = Home(settings.home).password(SUPERUSER)
    return SecretStr(with_login(found.postgres_dsn, SUPERUSER, password, _BROKER_DATABASE))


async def _zone_databases(superuser_dsn: str, password_of: Callable[[str], str]) -> tuple[ZoneDatabase, ZoneDatabase]:
    broker = await make_database(superuser_dsn, _BROKER_DATABASE, password_of, sequencer=True)
    return broker, await make_database(superuser_dsn, _PROVIDER_DATABASE, password_of)


def _names(kafka: bool, postgres: bool) -> list[str]:
    return [name for name, wanted in (("Kafka", kafka), ("PostgreSQL", postgres)) if wanted]
