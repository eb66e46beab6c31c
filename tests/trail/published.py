"""A log that was published without a database: entries, tiles, a signed checkpoint; shown by the real routes."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from broker.trail.merkle import leaf_hash, root_of
from broker.trail.notes import Checkpoint, Verifier
from broker.trail.publishing import published_checkpoint
from broker.trail.tiles import TILE, put_checkpoint, put_entries, put_levels
from broker.web.codes import EXPECTED, told
from broker.web.log import published
from broker.web.serving import served
from tests.trail.conftest import ORIGIN


def entries(count: int, name: str = "honest") -> list[bytes]:
    """So many entries, the same ones for a name."""
    return [sha256(f"{name} {at}".encode()).digest() for at in range(count)]


@dataclass(slots=True)
class Published:
    """One log's folder and key."""

    folder: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        return Verifier(ORIGIN, self.key.public_key().public_bytes_raw())

    def put(self, wanted: Sequence[bytes], at: datetime | None = None) -> str:
        """Publish the log of these entries, which begins with what is there; returns its checkpoint."""
        before = published_checkpoint(self.folder)
        old = 0 if before is None else before.size
        begin = old // TILE * TILE
        put_entries(self.folder, begin, wanted[begin:])
        put_levels(self.folder, old, len(wanted))
        root = root_of([leaf_hash(one) for one in wanted])
        note = Checkpoint.at(ORIGIN, len(wanted), root, at or datetime.now(UTC)).signed({self.verifier: self.key})
        put_checkpoint(self.folder, note)
        return note


SETTING: Final = "HANDOFF_WEB_ADDRESS"


@asynccontextmanager
async def shown(folder: Path) -> AsyncIterator[str]:
    """The routes to a log in this folder, open while the block lasts; gives the door's address."""
    app = FastAPI(openapi_url=None)
    for error in EXPECTED:
        app.add_exception_handler(error, told)
    app.include_router(published(folder, time.monotonic))
    async with served(app, "127.0.0.1:0", SETTING) as (host, port):
        yield f"http://{host}:{port}"
