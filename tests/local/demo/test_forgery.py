"""The demo's forgery: a superuser alters one row of a copy, the verifier names it, and the original is as it was."""

import asyncio
import sys
from pathlib import Path

import asyncpg

from broker.local.demo.forgery import export_altered
from broker.local.demo.morning import ALTERED, VERIFIER
from broker.trail.entries import Step
from broker.trail.exporting import export
from broker.trail.handoff_verify import HOLDS, verify
from tests.trail.conftest import Trail
from tests.trail.conftest import migrated as migrated
from tests.trail.conftest import trail as trail


async def test_the_verifier_names_the_altered_row_and_nothing_is_left_of_the_copy(trail: Trail) -> None:
    """By its one file alone, as its own process; the trail itself still holds."""
    await trail.seal(300)
    altered, honest = trail.home / "altered", trail.home / "honest"
    connection = await asyncpg.connect(trail.superuser_dsn)
    try:
        entry = await export_altered(connection, altered, Step.OFFER_MOVED, ("org-broker", "org-nobody"))
    finally:
        await connection.close()
    assert entry == 299
    code, told = await _verified(altered, trail.vkeys)
    assert code == ALTERED
    assert f"The text of entry {entry} was altered" in told
    assert told.count("\n- ") == 1
    await export(trail.connection, honest, lambda _done, _of: None)
    assert (await asyncio.to_thread(verify, honest, trail.vkeys, [])).code == HOLDS


async def _verified(bundle: Path, vkeys: list[str]) -> tuple[int, str]:
    keys = [word for key in vkeys for word in ("--vkey", key)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(VERIFIER), str(bundle), *keys), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()
