"""Go's golang.org/x/mod/sumdb finds in an exported bundle what our own verifier finds, and refuses an altered one."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from broker.trail.exporting import export
from tests.trail.conftest import Trail

GO: Final = Path(__file__).parent / "go"


@pytest.fixture(scope="session")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    assert shutil.which("go"), "Go is not installed: https://go.dev/doc/install"
    made = tmp_path_factory.mktemp("interop") / "check"
    subprocess.run(["go", "build", "-o", made, "."], cwd=GO, check=True)
    return made


async def test_go_agrees_on_a_bundle_of_every_shape(trail: Trail, checker: Path) -> None:
    """A3: logs of one entry, of a full tile, one more, and many: every entry included, every checkpoint consistent."""
    for size, more in ((1, 1), (256, 255), (257, 1), (700, 443)):
        await trail.seal(more)
        bundle = trail.home / f"bundle-{size}"
        await export(trail.connection, bundle, lambda *_: None)
        ended = await _check(checker, bundle, trail)
        assert f"{size} entries included" in ended.stdout, ended.stderr


async def test_go_refuses_an_altered_bundle(trail: Trail, checker: Path) -> None:
    """One bit of an entry, of a hash and of a checkpoint."""
    await trail.seal(300)
    bundle = trail.home / "bundle"
    await export(trail.connection, bundle, lambda *_: None)
    for name in ("tile/entries/000", "tile/0/001.p/44", "checkpoint"):
        path = bundle / name
        whole = path.read_bytes()
        path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        assert (await _check(checker, bundle, trail)).returncode == 1, name
        path.write_bytes(whole)
    assert (await _check(checker, bundle, trail)).returncode == 0


async def _check(checker: Path, bundle: Path, trail: Trail) -> "subprocess.CompletedProcess[str]":
    command = [str(checker), str(bundle), trail.vkeys[0]]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
