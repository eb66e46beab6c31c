"""The sequencer: each committed entry gets one index, whatever dies and whenever; nobody else writes the log."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import asyncpg
import pytest

from broker import limits
from broker.trail import sequencer as sequencing
from broker.trail.entries import commitment
from broker.trail.errors import LogAltered, LogShrunk, SequencerFenced
from broker.trail.merkle import included, inclusion_proof, leaf_hash, root_of
from broker.trail.notes import Checkpoint, believed
from broker.trail.publishing import published_checkpoint
from broker.trail.sequencer import in_office
from broker.trail.tiles import reader
from tests.broker.letters import until
from tests.trail.conftest import BROKER, ORIGIN, UNSEALED, Trail

KILLS: Final = 25
WRITERS: Final = 3


async def test_each_entry_is_sealed_once_and_published(trail: Trail) -> None:
    """Indices without a gap, the commitments in their order, a signed checkpoint over the root, tiles that prove it."""
    await trail.seal(300)
    await trail.seal(257)
    leaves = await whole_log(trail)
    assert len(leaves) == 557
    checkpoint = believed((trail.place.folder / "checkpoint").read_text(), trail.signers())
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 557, root_of(leaves))
    read = reader(trail.place.folder, 557)
    for index in (0, 255, 256, 511, 556):
        assert included(leaves[index], index, 557, inclusion_proof(read, index, 557), checkpoint.root)


async def test_what_commits_late_is_sealed_and_nothing_before_it_is_forgotten(trail: Trail) -> None:
    """An entry whose transaction stays open while later ones are sealed comes after them, and is not lost."""
    late = await asyncpg.connect(trail.database.app_dsn)
    try:
        transaction = late.transaction()
        await transaction.start()
        await trail.write(1, late)
        async with in_office(trail.sequencer_dsn, trail.place) as sequencer:
            for _ in range(3):
                await trail.write(5)
                await sequencer.turn()
            assert sequencer.size == 15
            assert await trail.connection.fetchval("SELECT horizon FROM log_state") == 0
            await transaction.commit()
            await trail.drained(sequencer)
            await sequencer.turn()
            assert await trail.connection.fetchval("SELECT horizon FROM log_state") == 16
    finally:
        await late.close()
    rows = await trail.connection.fetch("SELECT entry_idx FROM log_entry ORDER BY idx")
    assert [row["entry_idx"] for row in rows] == [*range(2, 17), 1]


async def test_a_backlog_is_sealed_in_batches(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one transaction's worth, and the horizon follows."""
    monkeypatch.setattr(limits, "seal_batch_entries_max", 10)
    await trail.write(35)
    async with in_office(trail.sequencer_dsn, trail.place) as sequencer:
        assert [await sequencer.turn() for _ in range(4)] == [10, 10, 10, 0]
    assert await trail.connection.fetchval("SELECT horizon FROM log_state") == 35
    await whole_log(trail)


async def test_no_role_can_change_the_log(trail: Trail) -> None:
    """Neither the everyday role nor the sequencer's may change or remove an entry or a checkpoint."""
    await trail.seal(3)
    sequencer = await asyncpg.connect(trail.sequencer_dsn)
    forbidden = [
        *(f"DELETE FROM {table}" for table in ("log_entry", "log_checkpoint", "log_state", "trail_entry")),
        *(f"TRUNCATE {table}" for table in ("log_entry", "log_checkpoint", "log_state", "trail_entry")),
        "UPDATE log_entry SET commitment = ''",
        "UPDATE log_checkpoint SET note = ''",
        "UPDATE trail_entry SET preimage = ''",
    ]
    inserts = ["INSERT INTO log_entry VALUES (3, 99, '')", "UPDATE log_state SET size = 0"]
    try:
        for connection, statements in ((sequencer, forbidden), (trail.connection, [*forbidden, *inserts])):
            for statement in statements:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await sequencer.execute("SELECT * FROM referral")
    finally:
        await sequencer.close()


async def test_a_second_sequencer_waits_and_a_fenced_one_writes_nothing(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is in office at a time; whoever lost the office without noticing is stopped by the epoch."""
    monkeypatch.setattr(limits, "sequencer_again_seconds", 0.01)
    async with in_office(trail.sequencer_dsn, trail.place) as first:
        waiting = asyncio.create_task(trail.seal(3))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await first.turn()
    await waiting
    async with in_office(trail.sequencer_dsn, trail.place) as fenced:
        await trail.write(2)
        await trail.as_superuser("UPDATE log_state SET epoch = epoch + 1")
        with pytest.raises(SequencerFenced):
            await fenced.turn()
    assert await trail.connection.fetchval("SELECT count(*) FROM log_entry") == 3


async def test_a_log_that_was_written_to_by_another_is_not_gone_on_with(trail: Trail) -> None:
    """An entry that a superuser put into the log stops the sequencer: it never signs what it has not sealed."""
    await trail.seal(3)
    await trail.as_superuser("INSERT INTO log_entry VALUES (3, 99, decode(repeat('ab', 32), 'hex'))")
    with pytest.raises(LogAltered):
        await trail.seal(1)


async def test_a_crash_before_publishing_is_made_good(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """K13: the checkpoint is committed and nothing of it is published; the next sequencer publishes it first."""

    async def crash(*_: object) -> None:
        raise ConnectionError

    await trail.seal(5)
    await trail.write(5)
    with monkeypatch.context() as broken, pytest.raises(ConnectionError):
        async with in_office(trail.sequencer_dsn, trail.place) as sequencer:
            broken.setattr(sequencing, "publish", crash)
            await sequencer.turn()
    assert _published(trail).size == 5
    async with in_office(trail.sequencer_dsn, trail.place):
        assert _published(trail).size == 10


async def test_an_older_copy_of_the_database_is_refused(trail: Trail) -> None:
    """F20: what was published is longer, or other, than what the database has: nothing is sealed."""
    await trail.seal(4)
    await trail.as_superuser("CREATE TABLE kept AS SELECT * FROM log_checkpoint", "GRANT SELECT ON kept TO PUBLIC")
    await trail.seal(4)
    await trail.as_superuser(
        "DELETE FROM log_entry WHERE idx >= 4",
        "DELETE FROM log_checkpoint WHERE seq NOT IN (SELECT seq FROM kept)",
        "UPDATE log_state SET size = 4",
    )
    with pytest.raises(LogShrunk):
        await trail.seal()
    (trail.place.folder / "checkpoint").write_text(
        Checkpoint.at(ORIGIN, 4, bytes(32), datetime.now(UTC)).signed(trail.signers())
    )
    with pytest.raises(LogAltered):
        await trail.seal()


async def test_checkpoints_come_at_a_fixed_cadence(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ten seconds if the log has grown, else hourly: their times tell nothing of what happens."""
    monkeypatch.setattr(limits, "checkpoint_seconds", 10)
    await trail.seal(1)
    assert await _checkpoints(trail) == 1
    await trail.seal(1)
    assert await _checkpoints(trail) == 1
    await trail.as_superuser("UPDATE log_checkpoint SET made_at = made_at - interval '11 s'")
    await trail.seal()
    assert await _checkpoints(trail) == 2
    await trail.as_superuser("UPDATE log_checkpoint SET made_at = made_at - interval '3599 s'")
    await trail.seal()
    assert await _checkpoints(trail) == 2
    await trail.as_superuser("UPDATE log_checkpoint SET made_at = made_at - interval '2 s'")
    await trail.seal()
    assert await _checkpoints(trail) == 3


async def test_keys_overlap_while_the_log_goes_on(trail: Trail) -> None:
    """A6: while two keys are valid both sign; then the newer alone, and the log stays the same one."""
    old = next(iter(trail.signers()))
    await trail.seal(2)
    first = (trail.place.folder / "checkpoint").read_text()
    new = trail.new_key("log-2")
    await trail.seal(2)
    both = (trail.place.folder / "checkpoint").read_text()
    (trail.keys / f"{BROKER}.log-1.log.json").unlink()
    await trail.seal(2)
    last = (trail.place.folder / "checkpoint").read_text()
    assert [believed(note, [old]).size for note in (first, both)] == [2, 4]
    assert [believed(note, [new]).size for note in (both, last)] == [4, 6]


async def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(trail: Trail) -> None:
    """K12, K13: a real sequencer is killed 25 times under three writers; every entry is sealed once, all agree."""
    drawn = random.Random(6)
    async with writing(trail) as written, sequencers(trail) as start:
        await start()
        for number in range(KILLS):
            holder = await until(partial(_holder, trail))
            await start()
            if number % 3:  # else at some moment of its taking over
                await until(partial(_grown, trail, await _size(trail)))
            await asyncio.sleep(drawn.uniform(0, 0.05))
            os.kill(holder, signal.SIGKILL)
            await until(partial(_gone, trail, holder))
    await trail.seal()
    leaves = await whole_log(trail)
    assert len(leaves) == written[0] > KILLS
    notes = [row["note"] for row in await trail.connection.fetch("SELECT note FROM log_checkpoint ORDER BY seq")]
    checkpoints = [believed(note, trail.signers()) for note in notes]
    assert len(checkpoints) > KILLS / 2
    assert all(one.root == root_of(leaves[: one.size]) for one in checkpoints)
    assert _published(trail) == checkpoints[-1]
    read = reader(trail.place.folder, len(leaves))
    assert [read(0, index) for index in range(len(leaves))] == leaves


async def whole_log(trail: Trail) -> list[bytes]:
    """The leaf hashes of the log, after every promise about it has been checked."""
    rows = await trail.connection.fetch("SELECT * FROM log_entry ORDER BY idx")
    assert [row["idx"] for row in rows] == list(range(len(rows)))
    written = await trail.connection.fetch("SELECT * FROM trail_entry")
    texts = {row["idx"]: commitment(row["kind"], row["preimage"], row["salt"]) for row in written}
    assert sorted(row["entry_idx"] for row in rows) == sorted(texts)
    assert all(texts[row["entry_idx"]] == row["commitment"] for row in rows)
    assert await trail.connection.fetchval(UNSEALED) == 0
    return [leaf_hash(row["commitment"]) for row in rows]


@contextlib.asynccontextmanager
async def writing(trail: Trail) -> AsyncIterator[list[int]]:
    """Writers of short transactions of one to three entries, some of which are given up; counts what was committed."""
    written = [0]
    over = asyncio.Event()

    async def write(number: int) -> None:
        drawn = random.Random(number)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(trail.database.app_dsn)
        try:
            while not over.is_set():
                transaction, count = connection.transaction(), drawn.randint(1, 3)
                await transaction.start()
                await trail.write(count, connection)
                await asyncio.sleep(drawn.uniform(0, 0.05))
                if drawn.random() < 0.1:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    written[0] += count
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as group:
        for number in range(WRITERS):
            group.create_task(write(number))
        try:
            yield written
        finally:
            over.set()


@contextlib.asynccontextmanager
async def sequencers(trail: Trail) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Starts sequencers, each a process that stands by until the one in office is gone; none outlives the block."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.trail.sequencer_process", ORIGIN, BROKER, str(trail.home)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    told, heard = server.stdin, server.stdout
    count = 0

    async def start() -> int:
        nonlocal count
        count += 1
        told.write(f"{trail.sequencer_dsn}&application_name=sequencer-{count}\n".encode())
        started[f"sequencer-{count}"] = pid = int(await heard.readline())
        return pid

    started = trail.sequencers
    try:
        yield start
    finally:
        told.close()
        await server.wait()


_IN_OFFICE: Final = (
    "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_database d ON d.oid = database"
    " WHERE locktype = 'advisory' AND granted AND d.datname = current_database()"
)


async def _holder(trail: Trail) -> int | None:
    """The process in office; None while there is none."""
    return trail.sequencers.get(await trail.connection.fetchval(_IN_OFFICE))


async def _size(trail: Trail) -> int:
    return int(await trail.connection.fetchval("SELECT size FROM log_state"))


async def _grown(trail: Trail, before: int) -> bool:
    return await _size(trail) > before


async def _gone(trail: Trail, holder: int) -> bool:
    return await _holder(trail) != holder


async def _checkpoints(trail: Trail) -> int:
    return int(await trail.connection.fetchval("SELECT count(*) FROM log_checkpoint"))


def _published(trail: Trail) -> Checkpoint:
    found = published_checkpoint(trail.place.folder)
    assert found is not None
    return found
