"""A broker's database with a trail in it, entries to write, and a sequencer of the test's own."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from broker import limits
from broker.local.databases import ZoneDatabase
from broker.schemas.ids import KeyId, OrgId, new_referral_id
from broker.seal.keys import LogKey, load_log_keys
from broker.store import tables
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.notes import Signs, Verifier
from broker.trail.sequencer import Place, Sequencer, in_office
from tests.conftest import MakeDatabase, tables_of
from tests.parts import Parts

ORIGIN: Final = "log.example/county"
BROKER: Final = OrgId("org-broker")


@dataclass(slots=True)
class Trail:
    """One trail: its database as each of its roles, its keys and the folder in which it is published."""

    database: ZoneDatabase
    superuser_dsn: str = field(repr=False)
    home: Path
    connection: "asyncpg.Connection[Any]"
    sequencers: dict[str, int] = field(default_factory=dict)
    """Process ids of sequencers that were started, by the names they give PostgreSQL."""

    @property
    def place(self) -> Place:
        """What the sequencer is given."""
        return Place(ORIGIN, self.home / "log", self.signers)

    @property
    def sequencer_dsn(self) -> str:
        """The database as the role that writes the log."""
        assert self.database.sequencer_dsn is not None
        return self.database.sequencer_dsn

    def signers(self) -> Mapping[Verifier, Signs]:
        """The keys that sign now."""
        return {Verifier(ORIGIN, key.public.public): key for key in load_log_keys(self.keys, BROKER, datetime.now(UTC))}

    @property
    def keys(self) -> Path:
        """The folder of the log's keys."""
        return self.home / "log-keys"

    def new_key(self, name: str, not_after: datetime | None = None) -> Verifier:
        """One more key for checkpoints."""
        key = LogKey.new(KeyId(f"{BROKER}#{name}"))
        key.keep(self.keys, datetime.now(UTC), not_after)
        return Verifier(ORIGIN, key.public.public)

    @property
    def vkeys(self) -> list[str]:
        """The public keys as an auditor is given them."""
        return [verifier.vkey for verifier in self.signers()]

    async def write(self, count: int, connection: "asyncpg.Connection[Any] | None" = None) -> None:
        """So many entries as the everyday role, in one transaction or in that which is open."""
        used = connection or self.connection
        async with used.transaction():
            for _ in range(count):
                await add_entry(used, offer_moved())

    async def seal(self, more: int = 0) -> None:
        """Write `more` entries, and let a sequencer seal and publish all that there is."""
        await self.write(more)
        async with in_office(self.sequencer_dsn, self.place) as sequencer:
            await self.drained(sequencer)

    async def drained(self, sequencer: Sequencer) -> None:
        """Turn until nothing is left to seal."""
        more = 1
        while more or await self.connection.fetchval(UNSEALED):
            more = await sequencer.turn()

    async def as_superuser(self, *statements: str) -> None:
        """Do to the database whatever a superuser can."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


UNSEALED: Final = (
    "SELECT count(*) FROM trail_entry e WHERE NOT EXISTS (SELECT FROM log_entry l WHERE l.entry_idx = e.idx)"
)


def offer_moved() -> Any:
    """An entry as the pipeline writes it."""
    facts = {"at": datetime.now(UTC), "actor": "org-broker", "offer": "off-1", "from": "MADE", "to": "SENT"}
    return entry(Step.OFFER_MOVED, new_referral_id(), facts, fresh_salt())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(parts: Parts) -> AsyncIterator[str]:
    """The name of a database with the broker's tables, to be copied."""
    async with tables_of(parts, tables.ZONE) as (name, _):
        yield name


@asynccontextmanager
async def trail_in(database: ZoneDatabase, parts: Parts, home: Path) -> AsyncIterator[Trail]:
    """A trail without entries, and with one key, in a database that has the tables."""
    connection = await asyncpg.connect(database.app_dsn)
    name = urlsplit(database.app_dsn).path
    made = Trail(database, urlsplit(parts.superuser_dsn)._replace(path=name).geturl(), home, connection)
    made.new_key("log-1")
    try:
        yield made
    finally:
        await connection.close()


@pytest.fixture
async def trail(
    make_database: MakeDatabase, migrated: str, parts: Parts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Trail]:
    """A trail whose sequencer makes a checkpoint at each turn in which it has grown."""
    monkeypatch.setattr(limits, "checkpoint_seconds", 0)
    # What has been written survives the end of any process; only the power of the machine never fails here.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    async with trail_in(await make_database(template=migrated), parts, home) as made:
        yield made
