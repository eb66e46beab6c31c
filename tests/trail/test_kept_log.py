"""An agency keeps what it has seen of the log, and shouts when the log was cut short, forked, silenced or forged."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broker import limits
from broker.agency.errors import BrokerUnreachable, LogContradicted, LogForked, LogShorter, LogSilent, ZoneIncomplete
from broker.agency.kept_log import FOLDER, KEPT_FILE, VKEYS_FILE, KeptLog
from broker.agency.log_door import LogDoor
from broker.cli import app
from broker.schemas.ids import KeyId
from broker.seal.keys import SigningKey
from broker.trail.errors import CheckpointForged
from broker.zone import DIRECTORY_FILE, KEYS_FOLDER
from tests.broker.letters import until
from tests.trail.published import Published, entries, shown

ORG = "org-police"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """A published log of 300 entries."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = Published(tmp_path / "log")
    made.put(entries(300))
    return made


@pytest.fixture
async def kept(log: Published, tmp_path: Path) -> AsyncIterator[KeptLog]:
    """What an agency keeps of it, having looked once."""
    zone = tmp_path / "zones" / ORG
    (zone / FOLDER).mkdir(parents=True)
    (zone / FOLDER / VKEYS_FILE).write_text(f"{log.verifier.vkey}\n")
    async with shown(log.folder) as url:
        made = KeptLog(zone, LogDoor(url, lambda: SigningKey.new(KeyId(f"{ORG}#sign-1"))))
        assert (await made.look()).size == 300
        yield made


def replaced(log: Published, folder: Path) -> Published:
    """Another log in the place of the first, signed with the same key."""
    log.folder.rename(folder)
    return Published(log.folder, log.key)


async def test_a_log_that_grows_is_kept_up_with(log: Published, kept: KeptLog) -> None:
    """Each newer checkpoint is asked for consistency with the kept one, and takes its place; the same one is, too."""
    for size in (300, 301, 700, 66_000):
        log.put(entries(size))
        assert (await kept.look()).size == size
        found = kept.kept()
        assert found is not None
        assert found.size == size


def _shorter(log: Published) -> None:
    log.put(entries(200))


def _forked(log: Published) -> None:
    log.put(entries(900, "forked"))


def _rewritten(log: Published) -> None:
    log.put([*entries(299), *entries(1, "rewritten")])


def _renamed(log: Published) -> None:
    note = log.put(entries(400))
    (log.folder / "checkpoint").write_text(note.replace("\n400\n", "\n401\n"))


def _by_another_key(log: Published) -> None:
    Published(log.folder).put(entries(400))


def _unproved(log: Published) -> None:
    """What was there cannot be proved any more."""
    log.put(entries(900))
    (log.folder / "tile" / "0" / "001").unlink()


WRONG: dict[str, tuple[Callable[[Published], None], type[Exception]]] = {
    "cut short": (_shorter, LogShorter),
    "forked": (_forked, LogForked),
    "one entry rewritten": (_rewritten, LogForked),
    "its proof withheld": (_unproved, LogForked),
    "altered after signing": (_renamed, CheckpointForged),
    "signed with another key": (_by_another_key, CheckpointForged),
}


@pytest.mark.parametrize("how", WRONG)
async def test_a_log_that_is_another_is_shouted_about(log: Published, kept: KeptLog, how: str, tmp_path: Path) -> None:
    """Each by an exception of its own; what was kept stays, and what contradicts it lies beside it, signed."""
    change, shout = WRONG[how]
    folder = tmp_path / "zones" / ORG / FOLDER
    before = (folder / KEPT_FILE).read_text()
    change(replaced(log, tmp_path / "before"))
    with pytest.raises(shout):
        await kept.look()
    assert (folder / KEPT_FILE).read_text() == before
    evidence = list(folder.glob("contradicts-*"))
    assert len(evidence) == issubclass(shout, LogContradicted)
    assert all(one.read_text() == (log.folder / "checkpoint").read_text() for one in evidence)


async def test_a_log_that_has_stopped_is_told(log: Published, kept: KeptLog) -> None:
    """An old checkpoint that is shown for ever hides what came since; a living log signs one each hour."""
    log.put(entries(310), datetime.now(UTC) - timedelta(hours=4))
    with pytest.raises(LogSilent):
        await kept.look()


async def test_without_the_logs_key_or_its_door_nothing_is_believed(kept: KeptLog, tmp_path: Path) -> None:
    """The key comes by another way than the log; a door that is away is no alarm, and is told as such."""
    door = LogDoor("http://127.0.0.1:1", lambda: SigningKey.new(KeyId(f"{ORG}#sign-1")))
    with pytest.raises(BrokerUnreachable):
        await KeptLog(tmp_path / "zones" / ORG, door).look()
    (tmp_path / "zones" / ORG / FOLDER / VKEYS_FILE).write_text("nonsense")
    with pytest.raises(ZoneIncomplete):
        await kept.look()


async def test_a_client_looks_by_itself(
    log: Published, kept: KeptLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Beside everything else, again and again: a contradiction is an error of the log and stays to be asked for."""
    monkeypatch.setattr(limits, "log_look_seconds", 0.02)
    kept.begin()
    try:
        _forked(replaced(log, tmp_path / "before"))

        async def seen() -> bool:
            return isinstance(kept.contradiction, LogForked)

        await until(seen)
    finally:
        await kept.end()
    assert "does not begin with the entries" in caplog.text


async def test_the_command_says_so_by_its_exit_code(log: Published, tmp_path: Path) -> None:
    """`handoff trail watch`: 0 and the sizes, 6 where the log was cut short, 3 where nobody answers."""
    zone = tmp_path / "zones" / ORG
    (zone / FOLDER).mkdir(parents=True)
    (zone / KEYS_FOLDER).mkdir()
    (zone / DIRECTORY_FILE).touch()
    (zone / FOLDER / VKEYS_FILE).write_text(log.verifier.vkey)

    async def watch(url: str) -> tuple[str, BaseException | None]:
        said = await asyncio.to_thread(
            lambda: CliRunner().invoke(
                app, ["trail", "watch", "--url", url, "--json"], env={"HANDOFF_HOME": str(tmp_path)}
            )
        )
        return said.output, said.exception

    async with shown(log.folder) as url:
        assert (await watch(url))[0] == '{"before": null, "entries": 300}\n'
        log.put(entries(305))
        assert (await watch(url))[0] == '{"before": 300, "entries": 305}\n'
        _shorter(replaced(log, tmp_path / "before"))
        _, error = await watch(url)
        assert isinstance(error, LogShorter)
        assert error.exit_code == 6
    _, error = await watch(url)
    assert isinstance(error, BrokerUnreachable)
