"""The verifier finds every way of tampering that reliability.md and the systems before us know, and is silent else."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from broker.store.questions import add_entry
from broker.trail import handoff_verify
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.exporting import export
from broker.trail.handoff_verify import (
    ALTERED,
    HOLDS,
    MISSING,
    REWRITTEN,
    UNCHECKED,
    UNSIGNED,
    Found,
    told,
    verify,
)
from broker.trail.handoff_verify_page import page
from broker.trail.merkle import Frontier, leaf_hash
from broker.trail.notes import Checkpoint
from tests.trail.conftest import ORIGIN, Trail

THE_FILE: Final = Path(handoff_verify.__file__)
STRANGER: Final = "log.example/other+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


@pytest.fixture
async def sealed(trail: Trail) -> Trail:
    """A trail of 300 entries, whose checkpoint at 280 an auditor keeps, and one at 290 an agency."""
    await trail.seal(270)
    for name, more in (("auditor", 10), ("agency", 10), ("newest", 10)):
        await trail.seal(more)
        (trail.home / name).write_bytes((trail.place.folder / "checkpoint").read_bytes())
    return trail


async def checked(trail: Trail, *held: str, name: str = "bundle") -> Found:
    """What the verifier finds in an export of the trail as it is now."""
    await export(trail.connection, trail.home / name, lambda *_: None)
    return await asyncio.to_thread(verify, trail.home / name, trail.vkeys, [trail.home / one for one in held])


async def erase(trail: Trail, entries: Sequence[int]) -> None:
    """The lawful way: announced first, by an entry that says on which basis and with whose approval; then deleted."""
    facts = {"at": datetime.now(UTC), "actor": "org-broker", "entries": list(entries), "basis": "retention"}
    await add_entry(
        trail.connection, entry(Step.TEXTS_ERASED, None, {**facts, "approver": "role:privacy-officer"}, fresh_salt())
    )
    await trail.seal()
    places = ", ".join(map(str, entries))
    await trail.as_superuser(
        f"DELETE FROM trail_entry WHERE idx IN (SELECT entry_idx FROM log_entry WHERE idx IN ({places}))"
    )


async def test_an_honest_trail_holds(sealed: Trail) -> None:
    """Every entry opened, every checkpoint verified, nothing said that does not hold."""
    found = await checked(sealed, "auditor", "agency")
    assert (found.code, found.size, found.opened, found.held, found.wrong) == (HOLDS, 300, 300, 2, [])
    assert found.checkpoints >= 4
    assert told(found)[0] == "EVERYTHING HOLDS."


WIPED: Final = ("DELETE FROM log_entry", "DELETE FROM trail_entry", "UPDATE log_state SET size = 0")
NEWEST: Final = "WHERE seq = (SELECT max(seq) FROM log_checkpoint)"
UNREADABLE: Final = {
    "everything is wiped, checkpoints too": ([*WIPED, "DELETE FROM log_checkpoint"], 0),
    "all checkpoints are deleted": (["DELETE FROM log_checkpoint"], 300),
    "all checkpoints are garbage": (["UPDATE log_checkpoint SET note = 'garbage'"], 300),
    "the newest checkpoint is garbage": ([f"UPDATE log_checkpoint SET note = 'garbage' {NEWEST}"], 300),
    "the newest one says more than can be": (
        [f"UPDATE log_checkpoint SET note = replace(note, E'\n300\n', E'\n9000000000000\n') {NEWEST}"],
        300,
    ),
}


@pytest.mark.parametrize("attack", UNREADABLE)
async def test_without_a_checkpoint_there_is_a_bundle_and_a_verdict(sealed: Trail, attack: str) -> None:
    """What is there is exported; nobody has signed for it, and who holds a checkpoint hears that it was shortened."""
    statements, there = UNREADABLE[attack]
    await sealed.as_superuser(*statements)
    found = await checked(sealed, "auditor")
    assert (found.code, found.size) == (UNSIGNED, there)
    words = " ".join(told(found))
    assert "Nobody has signed for this log" in words
    assert ("The log was shortened to 0 entries: the held checkpoint auditor says 280." in words) == (not there)


async def test_lawful_erasure_is_explained(sealed: Trail) -> None:
    """Two entries erased, both explained, with basis and approver in the report."""
    await erase(sealed, [17, 256])
    found = await checked(sealed, "auditor")
    assert (found.code, found.opened, found.erased) == (HOLDS, 299, 2)
    assert "role:privacy-officer" in page(found, told(found))


TEXT_OF: Final = "(SELECT entry_idx FROM log_entry WHERE idx = {})"
TAMPERED: Final = {
    # The nine of reliability.md §3.3 that a database's superuser can do without the key.
    "a text is edited": (
        [f"UPDATE trail_entry SET preimage = preimage || ' ' WHERE idx = {TEXT_OF.format(7)}"],
        ALTERED,
        "The text of entry 7 was altered",
    ),
    "text and leaf are edited": (
        [
            "UPDATE log_entry SET commitment = sha256('x') WHERE idx = 7",
            f"UPDATE trail_entry SET preimage = preimage || ' ' WHERE idx = {TEXT_OF.format(7)}",
        ],
        ALTERED,
        "somewhere from entry 0 to 269",
    ),
    "a text is deleted": (
        [f"DELETE FROM trail_entry WHERE idx = {TEXT_OF.format(7)}"],
        MISSING,
        "The text of entry 7 is missing",
    ),
    "a leaf is deleted": (["DELETE FROM log_entry WHERE idx = 7"], ALTERED, "Entry 7 is not in the log any more"),
    "leaves are swapped": (
        [
            "UPDATE log_entry SET idx = -1 WHERE idx = 7",
            "UPDATE log_entry SET idx = 7 WHERE idx = 8",
            "UPDATE log_entry SET idx = 8 WHERE idx = -1",
        ],
        ALTERED,
        "Entries were changed, removed or put in",
    ),
    "a back-dated leaf is put in": (
        [
            "UPDATE log_entry SET idx = -idx - 2 WHERE idx >= 7",
            "UPDATE log_entry SET idx = -idx - 1 WHERE idx < 0",
            "INSERT INTO log_entry VALUES (7, 999999, sha256('forged'))",
        ],
        ALTERED,
        "Entries were changed, removed or put in",
    ),
    # What the verifier of lessons.md §5 missed.
    "all rows are deleted": (
        ["DELETE FROM log_entry", "DELETE FROM trail_entry"],
        ALTERED,
        "Entry 0 is not in the log",
    ),
    "the first row is deleted": (["DELETE FROM log_entry WHERE idx = 0"], ALTERED, "Entry 0 is not in the log"),
    "the first row is deleted and the rest moved up": (
        [
            "DELETE FROM log_entry WHERE idx = 0",
            "UPDATE log_entry SET idx = -idx WHERE idx > 0",
            "UPDATE log_entry SET idx = -idx - 1 WHERE idx < 0",
        ],
        ALTERED,
        "Entry 299 is not in the log",
    ),
    "the last row is deleted": (["DELETE FROM log_entry WHERE idx = 299"], ALTERED, "Entry 299 is not in the log"),
    "the hashes are nulled": (
        ["UPDATE log_entry SET commitment = decode(repeat('00', 32), 'hex')"],
        ALTERED,
        "Entry 0 is not in the log",
    ),
    "the hashes are emptied": (["UPDATE log_entry SET commitment = ''"], ALTERED, "Entry 0 is not in the log"),
    "a text is given another kind": (
        [f"UPDATE trail_entry SET kind = 'need.moved' WHERE idx = {TEXT_OF.format(7)}"],
        ALTERED,
        "The text of entry 7 was altered",
    ),
    "a checkpoint is altered": (
        ["UPDATE log_checkpoint SET note = replace(note, E'\\n280\\n', E'\\n281\\n')"],
        UNSIGNED,
        "is not signed by the log's key",
    ),
    "the tail is cut with the head moved": (
        [
            "DELETE FROM trail_entry WHERE idx IN (SELECT entry_idx FROM log_entry WHERE idx >= 270)",
            "DELETE FROM log_entry WHERE idx >= 270",
            "DELETE FROM log_checkpoint WHERE size > 270",
            "UPDATE log_state SET size = 270",
        ],
        REWRITTEN,
        "The log was shortened",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_tampering_is_found(sealed: Trail, how: str) -> None:
    """A1: as superuser on the live database, with one held checkpoint; the verifier says what, and where."""
    statements, code, words = TAMPERED[how]
    await sealed.as_superuser(*statements)
    found = await checked(sealed, "auditor")
    assert found.code == code
    assert any(words in said for _, said in found.wrong), found.wrong
    assert told(found)[0] == "NOT EVERYTHING HOLDS."


async def test_a_restored_snapshot_is_found(sealed: Trail) -> None:
    """A1: an older copy in place of the database is sound in itself; whoever holds a newer checkpoint sees it."""
    older = await checked(sealed, name="older")
    assert older.code == HOLDS
    await sealed.seal(5)
    (sealed.home / "held").write_bytes((sealed.place.folder / "checkpoint").read_bytes())
    found = await asyncio.to_thread(verify, sealed.home / "older", sealed.vkeys, [sealed.home / "held"])
    assert (found.code, [said for code, said in found.wrong if "shortened" in said] != []) == (REWRITTEN, True)


@pytest.mark.parametrize(
    ("first", "held", "code"),
    [(0, "auditor", REWRITTEN), (0, None, HOLDS), (285, "auditor", HOLDS), (285, "agency", REWRITTEN)],
    ids=[
        "everything, a checkpoint held",
        "everything, none held",
        "the tail, an older one held",
        "the tail, an anchor",
    ],
)
async def test_rewriting_with_the_stolen_key(sealed: Trail, first: int, held: str | None, code: int) -> None:
    """A1: the thief makes a log that is sound in itself. A held checkpoint shows it; of the tail, one from there."""
    await _rewrite_with_key(sealed, first)
    found = await checked(sealed, *([held] if held else []))
    assert found.code == code
    assert found.missing == []


async def _rewrite_with_key(trail: Trail, first: int) -> None:
    """Every entry from `first` on gets another text, leaf, root and checkpoint, all of them fitting."""
    connection = await asyncpg.connect(trail.superuser_dsn)
    try:
        tree = Frontier()
        for row in await connection.fetch("SELECT * FROM log_entry ORDER BY idx"):
            made = row["commitment"]
            if row["idx"] >= first:
                forged = entry(Step.OFFER_MOVED, None, {"forged": row["idx"]}, fresh_salt())
                made = forged.commitment
                await connection.execute(
                    "UPDATE trail_entry SET kind = $2, salt = $3, preimage = $4 WHERE idx = $1",
                    *(row["entry_idx"], forged.kind, forged.salt, forged.preimage),
                )
                await connection.execute("UPDATE log_entry SET commitment = $2 WHERE idx = $1", row["idx"], made)
            tree.extend([leaf_hash(made)])
            note = Checkpoint.at(ORIGIN, tree.size, tree.root(), datetime.now(UTC)).signed(trail.signers())
            await connection.execute("UPDATE log_checkpoint SET note = $2 WHERE size = $1", tree.size, note)
    finally:
        await connection.close()


async def test_an_honest_trail_stays_silent_under_load_and_restarts(trail: Trail) -> None:
    """Entries of many transactions at once, late ones, sequencers that come and go: never an alarm."""
    connections = [await asyncpg.connect(trail.database.app_dsn) for _ in range(4)]
    try:
        for turn in range(4):
            writers = [asyncio.create_task(trail.write(20, one)) for one in connections]
            await trail.seal()
            found = await checked(trail, name=f"bundle-{turn}")
            assert (found.code, found.opened) == (HOLDS, found.size)
            await asyncio.gather(*writers)
    finally:
        for one in connections:
            await one.close()
    await trail.seal()
    assert (await checked(trail)).opened == 320


async def test_the_file_stands_alone(sealed: Trail) -> None:
    """Copied elsewhere and run without our package: exit codes, words, and a page without script, all escaped."""
    await erase(sealed, [3])
    await checked(sealed)
    alone = sealed.home / "elsewhere"
    alone.mkdir()
    shutil.copy(THE_FILE, alone)
    ended = await _run(alone, str(sealed.home / "bundle"), "--vkey", sealed.vkeys[0])
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (HOLDS, "EVERYTHING HOLDS.")
    ended = await _run(alone, str(sealed.home / "bundle"), "--vkey", sealed.vkeys[0], "--report", "report.html")
    assert (ended.returncode, "handoff_verify_page.py" in ended.stderr) == (UNCHECKED, True)
    shutil.copy(THE_FILE.with_name("handoff_verify_page.py"), alone)
    ended = await _run(alone, str(sealed.home / "bundle"), "--vkey", sealed.vkeys[0], "--report", "report.html")
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (HOLDS, "EVERYTHING HOLDS.")
    report = (alone / "report.html").read_text()
    assert "<script" not in report
    assert "&quot;basis&quot;:&quot;retention&quot;" in report
    for arguments, code in (
        ([str(sealed.home / "bundle"), "--vkey", STRANGER], UNCHECKED),
        ([str(sealed.home / "nowhere"), "--vkey", sealed.vkeys[0]], UNCHECKED),
        ([str(sealed.home / "bundle"), "--vkey", sealed.new_key("other").vkey], UNSIGNED),
    ):
        ended = await _run(alone, *arguments)
        assert (ended.returncode, "Traceback" in ended.stderr) == (code, False)


async def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "handoff_verify.py", *arguments]
    return await asyncio.to_thread(subprocess.run, command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_page_escapes_what_it_shows() -> None:
    """Whatever an altered trail may say."""
    found = Found(erasures=[(1, "<script>alert(1)</script>")])
    found.say(ALTERED, "<img src=x onerror=alert(1)>")
    assert "<script>" not in page(found, told(found))
    assert "<img" not in page(found, told(found))
