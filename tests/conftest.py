"""Every test may ask for Kafka and PostgreSQL, and gets them for itself: own topics, own database, own roles."""

import gc
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from broker.local import databases
from broker.local.databases import ZoneDatabase
from broker.local.parts import LocalParts, local_parts
from broker.schemas.ids import OrgId
from broker.settings import Settings, load_settings
from broker.sql.migrate import Zone, migrate
from tests.parts import Parts, local_settings, shared_parts, test_run
from tests.patience import TEST_SECONDS_MAX, at_most

_RUN = pytest.StashKey[ExitStack]()

os.environ.setdefault("HANDOFF_TOPIC_PARTITIONS", "2")
"""Two show what several do; each that is made and removed costs Kafka ten files."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--containers`: the same tests on container images."""
    parser.addoption("--containers", action="store_true", help="Kafka and PostgreSQL from container images")


def pytest_configure(config: pytest.Config) -> None:
    """Begin the run, in the one process that all xdist workers come from."""
    if hasattr(config, "workerinput"):
        return
    config.stash[_RUN] = stack = ExitStack()
    stack.enter_context(test_run(containers=config.getoption("--containers")))


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run: nothing is left."""
    if _RUN in config.stash:
        config.stash[_RUN].close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Of what is loaded and made here nothing ends before the run: garbage is not looked for in it, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: begun last, one process would work on alone while the others wait."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/crash/"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Every test has a deadline, whatever it waits for, and so have its fixtures."""
    with at_most(TEST_SECONDS_MAX):
        return (yield)


@pytest.fixture(scope="session")
def parts() -> Parts:
    """The run's Kafka and PostgreSQL."""
    return shared_parts()


@dataclass(slots=True)
class KafkaForTest:
    """Kafka for one test: its topics bear the test's own prefix, so that no pattern matches another test's."""

    bootstrap: str
    prefix: str
    _created: list[str] = field(default_factory=list)

    def org(self, name: str) -> OrgId:
        """An organisation that no other test knows: `org("police")` gives `org-police-3f2a9c1b`."""
        return OrgId(f"org-{name}-{self.prefix[2:-1]}")

    async def create_topics(self, *names: str, partitions: int = 1) -> None:
        """Make topics by their full names (`Topics(prefix=kafka.prefix)` gives them); they end with the test."""
        assert all(name.startswith(self.prefix) for name in names), "a topic must bear the test's prefix"
        async with _admin(self.bootstrap) as admin:
            await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
        self._created.extend(names)

    async def topics(self) -> Sequence[str]:
        """All topics of this test, whoever made them."""
        async with _admin(self.bootstrap) as admin:
            return [name for name in await admin.list_topics() if name.startswith(self.prefix)]

    async def clear(self) -> None:
        """Remove the test's topics."""
        if names := await self.topics():
            async with _admin(self.bootstrap) as admin:
                await admin.delete_topics(list(names))


@pytest.fixture
async def kafka(parts: Parts) -> AsyncIterator[KafkaForTest]:
    """Kafka with a prefix of the test's own; its topics are removed afterwards."""
    own = KafkaForTest(parts.kafka_bootstrap, f"t-{secrets.token_hex(4)}.")
    yield own
    await own.clear()


MakeDatabase = Callable[..., Awaitable[ZoneDatabase]]


@pytest.fixture
async def make_database(parts: Parts) -> AsyncIterator[MakeDatabase]:
    """Makes databases for the test (`await make_database(template=…)`); they are dropped afterwards."""
    names: list[str] = []

    async def make(template: str = "template1") -> ZoneDatabase:
        names.append(f"t_{secrets.token_hex(6)}")
        return await databases.make_database(parts.superuser_dsn, names[-1], template=template, sequencer=True)

    yield make
    for name in names:
        await databases.drop_database(parts.superuser_dsn, name)


@asynccontextmanager
async def tables_of(parts: Parts, zone: Zone) -> AsyncIterator[tuple[str, ZoneDatabase]]:
    """A database with the zone's empty tables while the block lasts, by its name: to be used, or copied."""
    name = f"t_{secrets.token_hex(6)}"
    made = await databases.make_database(parts.superuser_dsn, name, sequencer=True)
    await migrate(made.owner_dsn, zone)
    yield name, made
    await databases.drop_database(parts.superuser_dsn, name)


@pytest.fixture
async def database(make_database: MakeDatabase) -> ZoneDatabase:
    """An empty database: `owner_dsn` for migrations, `app_dsn` for the work; neither role is a superuser."""
    return await make_database()


@pytest.fixture
def settings(kafka: KafkaForTest, database: ZoneDatabase, home: Path) -> Settings:
    """The settings of an installation on this test's Kafka and database."""
    return load_settings(
        home=home,
        kafka_bootstrap=kafka.bootstrap,
        postgres_dsn=SecretStr(database.app_dsn),
        postgres_owner_dsn=SecretStr(database.owner_dsn),
        postgres_sequencer_dsn=SecretStr(database.sequencer_dsn or ""),
        topic_prefix=kafka.prefix,
        _env_file=None,
    )


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder of the test's own. Not below pytest's: that tightens its folder's mode whenever a run begins."""
    with tempfile.TemporaryDirectory(prefix="warm-handoff-home-") as folder:
        yield Path(folder) / "home"


@pytest.fixture
def own_parts(home: Path) -> Iterator[LocalParts]:
    """Kafka and PostgreSQL of the test's own, to be killed and started at will."""
    with local_parts(local_settings(home)) as running:
        yield running


class _admin:  # noqa: N801  used as a function
    """aiokafka's admin client as a context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        await self._client.start()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
