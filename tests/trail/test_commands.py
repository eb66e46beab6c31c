"""What an auditor is given by command: the log's state, its bundle, its checkpoints, and proofs that others check."""

import asyncio
import json
from base64 import b64decode

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.trail.errors import NotInLog
from broker.trail.handoff_verify import HOLDS, verify
from broker.trail.merkle import consistent, included, leaf_hash
from broker.trail.notes import believed
from broker.trail.publishing import checkpoint_of
from broker.zone import LOG_KEYS_FOLDER
from tests.trail.conftest import BROKER, ORIGIN, Trail


@pytest.fixture
async def installed(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> Trail:
    """The trail as an installation's, with its variables set."""
    monkeypatch.setenv("HANDOFF_HOME", str(trail.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", "localhost:1")
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", trail.database.app_dsn)
    monkeypatch.setenv("HANDOFF_LOG_ORIGIN", ORIGIN)
    (trail.home / "zones" / BROKER).mkdir(mode=0o700, parents=True)
    (trail.home / "zones" / BROKER / LOG_KEYS_FOLDER).symlink_to(trail.keys)
    return trail


async def handoff(*arguments: object) -> Result:
    """Run `handoff trail …`."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["trail", *map(str, arguments)]))


async def test_an_auditor_exports_and_verifies(installed: Trail) -> None:
    """The bundle, the key by another way, and the export itself in the trail; never over what is there."""
    await installed.seal(20)
    folder = installed.home / "bundle"
    exported = await handoff("export", folder)
    assert exported.exit_code == 0, exported.output
    vkeys = (await handoff("vkey")).output.split()
    assert vkeys == installed.vkeys
    held = installed.home / "held"
    held.write_text((await handoff("checkpoint")).output)
    found = await asyncio.to_thread(verify, folder, vkeys, [held])
    assert (found.code, found.size) == (HOLDS, 20)
    assert (
        await installed.connection.fetchval("SELECT kind FROM trail_entry ORDER BY idx DESC LIMIT 1")
        == "trail.exported"
    )
    assert (await handoff("export", folder)).exit_code == 2


async def test_status_says_what_waits(installed: Trail) -> None:
    """Sealed entries, the age of what is not, and an exit code that a monitor can use."""
    await installed.seal(3)
    told = await handoff("status", "--json")
    assert (told.exit_code, json.loads(told.output)["entries"], json.loads(told.output)["alarm"]) == (0, 3, False)
    await installed.write(1)
    await installed.as_superuser("UPDATE trail_entry SET written_at = now() - interval '61 s' WHERE idx = 4")
    told = await handoff("status", "--json")
    assert (told.exit_code, json.loads(told.output)["alarm"], json.loads(told.output)["stopped"]) == (1, True, False)
    assert "ALARM" in (await handoff("status")).output


async def test_proofs_are_of_the_published_log(installed: Trail) -> None:
    """A .tlog-proof of an entry, and what leads from an older checkpoint to a newer one; nothing beyond the log."""
    await installed.seal(100)
    older = checkpoint_of((installed.place.folder / "checkpoint").read_text())
    await installed.seal(300)
    head, _, note = (await handoff("proof", 7)).output.partition("\n\n")
    newest = believed(note, installed.signers())
    version, index, *steps = head.split("\n")
    assert (version, index) == ("c2sp.org/tlog-proof@v1", "index 7")
    commitment = await installed.connection.fetchval("SELECT commitment FROM log_entry WHERE idx = 7")
    assert included(leaf_hash(commitment), 7, newest.size, [b64decode(step) for step in steps], newest.root)
    way = [b64decode(step) for step in (await handoff("consistency", 100, 400)).output.split()]
    assert consistent(older.size, newest.size, way, older.root, newest.root)
    for beyond in (("proof", 400), ("consistency", 100, 401), ("consistency", 5, 4)):
        assert isinstance((await handoff(*beyond)).exception, NotInLog)


async def test_a_new_key_of_the_log_is_made_apart(installed: Trail) -> None:
    """`keys new --kind log` makes it in the sequencer's own folder, and `vkey` shows both."""
    made = await asyncio.to_thread(
        lambda: CliRunner().invoke(app, ["keys", "new", "--org", BROKER, "--kind", "log", "--name", "log-2"])
    )
    assert made.exit_code == 0, made.output
    assert (installed.keys / f"{BROKER}.log-2.log.json").is_file()
    assert len((await handoff("vkey")).output.split()) == 2
