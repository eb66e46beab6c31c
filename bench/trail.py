"""What the trail costs: verified offline and exported, in how much memory; proofs; how soon a commit is sealed."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import aiohttp
import asyncpg
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from broker.composition import ensure_log_key, running_sequencer
from broker.schemas.ids import new_referral_id
from broker.settings import Settings
from broker.store.questions import add_entry
from broker.trail import handoff_verify
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.exporting import CHECKPOINTS_FILE, TEXTS, export, text_bundle
from broker.trail.merkle import Frontier, leaf_hash
from broker.trail.notes import Checkpoint, Verifier
from broker.trail.tiles import CHECKPOINT_FILE, ENTRIES, TILE, bundle, put_levels, tile_path, unbundled
from broker.web.log import published
from broker.web.serving import served
from tests.broker.letters import until

SIZES: Final = (200_000, 1_000_000)
"""Two lengths of the log, so that it is seen whether memory grows with it."""
PROOFS: Final = 2000
"""Proofs asked for by HTTP, half of inclusion, half of consistency, of random places of the longest log."""
ORIGIN: Final = "bench.example/log"
HASHED_TILES: Final = 100
_INNER: Final = 64 + len("warm-handoff/trail/v1") + 1 + len("offer.moved") + 1
"""What stands before a text in the inner hash of its commitment."""
WRITERS: Final = 4
SEALED: Final = 2000
"""Entries whose way from commit to seal is timed."""
LOOK_SECONDS: Final = 0.005
BACKLOG_SECONDS_MAX: Final = 300
"""How long the sequencer may take for what was written before."""
RATE: Final = 200
"""Entries a second and writer: about half of what a county's pipeline writes on such a machine."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A verifier of its own process, Python's start included. `hashes` is which share of its time the four SHA-256 of
    each entry take by themselves, measured around it: what no verifier in Python can do without.
    """

    entries: int
    wall_seconds: float
    cpu_seconds: float
    megabytes: float
    hashes: float


@dataclass(frozen=True, slots=True)
class Exported:
    """So many entries of a database, exported and then verified; `grown` is what the exporter's memory grew by."""

    entries: int
    wall_seconds: float
    cpu_seconds: float
    grown_megabytes: float
    verified_seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Verification by size of the log, an export, and milliseconds of proofs and from commit to seal."""

    verified: Sequence[Verified]
    exported: Exported
    proof_p50: float
    proof_p99: float
    sealed_p50: float
    sealed_p99: float


async def measure(settings: Settings, folder: Path, sizes: Sequence[int] = SIZES) -> Figures:
    """All of them, on this installation."""
    at = quantiles(await _seal(settings), n=100)
    verified = [await asyncio.to_thread(_verify, folder / str(size), size) for size in sizes]
    proofs = quantiles(await _prove(folder / str(max(sizes)), max(sizes)), n=100)
    exported = await _export(settings, folder / "exported", max(sizes))
    return Figures(verified, exported, *(share * 1000 for share in (proofs[49], proofs[98], at[49], at[98])))


def report(figures: Figures) -> list[str]:
    """The lines of the page."""
    exported = figures.exported
    return [
        "| Trail verified offline, texts opened | CPU s | entries/s of a core | by the clock | MB | hashes alone |",
        "|---|---:|---:|---:|---:|---:|",
        *map(_row, figures.verified),
        "",
        (
            f"Exported from PostgreSQL: {exported.entries:,} entries in {exported.wall_seconds:.0f} s, of which the "
            f"exporter was on a processor for {exported.cpu_seconds:.0f} s; its memory grew by "
            f"{exported.grown_megabytes:.0f} MB. Then verified in {exported.verified_seconds:.1f} s on a processor."
        ),
        "",
        (
            f"A proof by HTTP at {figures.verified[-1].entries:,} leaves, client and server on the same cores: "
            f"p50 {figures.proof_p50:.1f} ms, p99 {figures.proof_p99:.1f} ms."
        ),
        "",
        f"Commit → sealed at {WRITERS * RATE}/s: p50 {figures.sealed_p50:.0f} ms, p99 {figures.sealed_p99:.0f} ms.",
    ]


def _row(one: Verified) -> str:
    rates = f"{one.entries / one.cpu_seconds:,.0f} | {one.entries / one.wall_seconds:,.0f}/s"
    return f"| {one.entries:,} entries | {one.cpu_seconds:.2f} | {rates} | {one.megabytes:.0f} | {one.hashes:.0%} |"


def _verify(folder: Path, size: int) -> Verified:
    """What a verifier of its own process takes, once the bundle is there."""
    vkey = _bundle(folder, size)
    command = [sys.executable, "-I", handoff_verify.__file__, str(folder), "--vkey", vkey]
    bare, began = _hashes(), time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watched, peak = psutil.Process(child.pid), 0
    # Its memory is asked for while it runs: the peak that is told at its end is that of whom it was forked from.
    while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
        peak = max(peak, watched.memory_info().rss)
        time.sleep(0.02)
    _, status, used = ended
    child.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    assert child.returncode == handoff_verify.HOLDS
    spent = used.ru_utime + used.ru_stime
    return Verified(size, took, spent, peak / 1e6, size * (bare + _hashes()) / 2 / spent)


def _hashes() -> float:
    """Seconds on a processor for the four SHA-256 of an entry: inner and outer of its HMAC, leaf, and node."""
    contents = [[os.urandom(length) for _ in range(TILE)] for length in (_INNER + len(_entry().preimage), 96, 33, 65)]
    began = time.process_time()
    for _ in range(HASHED_TILES):
        for part in contents:
            for content in part:
                sha256(content).digest()
    return (time.process_time() - began) / HASHED_TILES / TILE


def _bundle(folder: Path, size: int) -> str:
    """A bundle as an export has it, of entries as the pipeline writes them; returns the key to check it with."""
    key, tree = Ed25519PrivateKey.generate(), Frontier()
    verifier = Verifier(ORIGIN, key.public_key().public_bytes_raw())
    for begin in range(0, size, TILE):
        made = [_entry() for _ in range(min(TILE, size - begin))]
        tree.extend(leaf_hash(one.commitment) for one in made)
        texts = {at: (one.salt, one.kind.encode() + b"\x00" + one.preimage) for at, one in enumerate(made)}
        _put(folder / tile_path(ENTRIES, begin // TILE, len(made)), bundle([one.commitment for one in made]))
        _put(folder / tile_path(TEXTS, begin // TILE).removeprefix("tile/"), text_bundle(len(made), texts))
    note = Checkpoint.at(ORIGIN, size, tree.root(), datetime.now(UTC)).signed({verifier: key})
    _put(folder / CHECKPOINT_FILE, note.encode())
    _put(folder / CHECKPOINTS_FILE, f"{len(note.encode())}\n{note}".encode())
    return verifier.vkey


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _entry() -> Any:
    now, referral = datetime.now(UTC), new_referral_id()
    facts = {"at": now, "actor": "org-broker", "cause": referral[4:], "offer": referral, "from": "MADE", "to": "SENT"}
    return entry(Step.OFFER_MOVED, referral, facts, fresh_salt())


async def _prove(folder: Path, size: int) -> list[float]:
    """Seconds of each proof, asked for one after the other: the tree above the bundle's entries is made first."""
    for begin in range(0, size, TILE):
        path = folder / tile_path(ENTRIES, begin // TILE, min(TILE, size - begin))
        _put(folder / tile_path(0, begin // TILE, min(TILE, size - begin)), _leaves(path.read_bytes()))
    put_levels(folder, 0, size)
    app, waits = FastAPI(openapi_url=None), list[float]()
    app.include_router(published(folder, lambda: 1e9 * time.monotonic()))
    async with served(app, "127.0.0.1:0", "bench") as (host, port), aiohttp.ClientSession() as session:
        for turn in range(PROOFS):
            one, other = sorted(random.randrange(1, size) for _ in range(2))
            wanted = f"proof/{one}" if turn % 2 else f"consistency/{one}/{other}"
            began = time.perf_counter()
            async with session.get(f"http://{host}:{port}/log/{wanted}") as answer:
                await answer.read()
            waits.append(time.perf_counter() - began)
            assert answer.status == HTTPStatus.OK
    return waits


def _leaves(entries: bytes) -> bytes:
    return b"".join(map(leaf_hash, unbundled(entries)))


async def _export(settings: Settings, folder: Path, size: int) -> Exported:
    """A log of so many entries more in the database is exported, and what was exported verified."""
    assert settings.postgres_dsn is not None
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        made = (_entry() for _ in range(size))
        rows = ((one.kind.value, one.referral_id, one.salt, one.preimage) for one in made)
        columns = ("kind", "referral_id", "salt", "preimage")
        await connection.copy_records_to_table("trail_entry", records=rows, columns=columns)
        async with running_sequencer(settings):
            while await _covered(connection) < size:  # noqa: ASYNC110  no event tells
                await asyncio.sleep(0.2)
        me, resident = psutil.Process(), [psutil.Process().memory_info().rss]
        began, spent = time.perf_counter(), time.process_time()
        exported = await export(connection, folder, lambda *_: resident.append(me.memory_info().rss))
        took, spent = time.perf_counter() - began, time.process_time() - spent
    finally:
        await connection.close()
    [vkey, *_] = [Verifier(settings.origin, card.public).vkey for card in ensure_log_key(settings)]
    began = time.process_time()
    found = await asyncio.to_thread(handoff_verify.verify, folder, [vkey])
    assert found.code == handoff_verify.HOLDS
    grown = (max(resident) - resident[0]) / 1e6
    return Exported(exported, took, spent, grown, time.process_time() - began)


async def _covered(connection: Any) -> int:
    """How many entries the newest checkpoint covers."""
    return int(await connection.fetchval("SELECT coalesce(max(size), 0) FROM log_checkpoint"))


async def _seal(settings: Settings) -> list[float]:
    """Seconds from the commit of each entry until it is in the log, when what was written before is sealed."""
    ensure_log_key(settings)
    assert settings.postgres_dsn is not None
    dsn = settings.postgres_dsn.get_secret_value()
    committed: dict[bytes, float] = {}
    sealed: dict[bytes, float] = {}
    async with running_sequencer(settings):
        await _nothing_waits(dsn)
        async with asyncio.TaskGroup() as group:
            group.create_task(_watch(dsn, sealed))
            for _ in range(WRITERS):
                group.create_task(_write(dsn, committed))
    # Whoever is seen before the writer has noted its commit was sealed at once.
    return [max(0.0, sealed[one] - at) for one, at in committed.items()]


async def _nothing_waits(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    written_and_sealed = "SELECT (SELECT count(*) FROM trail_entry) = (SELECT count(*) FROM log_entry)"
    await until(lambda: connection.fetchval(written_and_sealed), seconds=BACKLOG_SECONDS_MAX)
    await connection.close()


async def _write(dsn: str, committed: dict[bytes, float]) -> None:
    connection = await asyncpg.connect(dsn)
    for _ in range(SEALED // WRITERS):
        made = _entry()
        await add_entry(connection, made)
        committed[made.commitment] = time.perf_counter()
        await asyncio.sleep(1 / RATE)
    await connection.close()


async def _watch(dsn: str, sealed: dict[bytes, float]) -> None:
    """Look for what is new in the log every few milliseconds, until every timed entry is there."""
    connection = await asyncpg.connect(dsn)
    seen = await connection.fetchval("SELECT coalesce(max(idx), -1) FROM log_entry")
    while len(sealed) < SEALED:
        rows = await connection.fetch("SELECT idx, commitment FROM log_entry WHERE idx > $1 ORDER BY idx", seen)
        now = time.perf_counter()
        seen = rows[-1]["idx"] if rows else seen
        sealed.update((row["commitment"], now) for row in rows)
        await asyncio.sleep(LOOK_SECONDS)
    await connection.close()
