"""`handoff serve web`: a process of its own, without anybody's keys, that says what it lacks."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from broker.composition import Process
from broker.errors import SettingsInvalid
from broker.local.ports import any_free
from broker.local.processes import environment_of, serving
from broker.schemas.ids import new_referral_id
from broker.settings import load_settings
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.broker.letters import until
from tests.broker.refusals import good
from tests.web.agency import Agency


@pytest.mark.asyncio(loop_scope="session")
async def test_the_process_serves_at_the_address_that_is_set(
    served: County, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """With the broker's database and Kafka alone: its data folder is empty, and stays so."""
    address = f"127.0.0.1:{any_free()}"
    settings = served.settings.model_copy(update={"web_address": address, "home": tmp_path / "home"})
    log = tmp_path / "web.log"
    letter = good(served, new_referral_id())
    agency = Agency(session, f"http://{address}", served.keys[POLICE])

    async def answered() -> bool:
        try:
            return (await agency.publish(letter)).status == 202
        except aiohttp.ClientConnectionError:
            return False

    child = await asyncio.to_thread(lambda: serving(settings, Process.WEB, log))
    with child:
        await until(answered)
        assert (await agency.outcome(letter.event_id))["status"] == "ACCEPTED"
    assert not (tmp_path / "home").exists() or not list((tmp_path / "home").rglob("*key*"))
    assert "web is running" in log.read_text()
    assert letter.event_id not in log.read_text()


def test_without_an_address_it_says_which_setting_is_missing(tmp_path: Path) -> None:
    """And what it is for; it does not stay up idle."""
    done = subprocess.run(
        [sys.executable, "-m", "broker.cli", "serve", "web"],
        env={
            "PATH": os.environ["PATH"],
            "HANDOFF_HOME": str(tmp_path),
            "HANDOFF_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "HANDOFF_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:1/none",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "HANDOFF_WEB_ADDRESS is not set" in done.stderr


@pytest.mark.parametrize("value", ["8080", "localhost", "http://localhost:80", "local host:80", "a:b:80"])
def test_a_bad_address_is_named(value: str) -> None:
    """By setting, never by value."""
    with pytest.raises(SettingsInvalid, match="HANDOFF_WEB_ADDRESS") as refused:
        load_settings(web_address=value, _env_file=None)
    assert value not in str(refused.value).replace("127.0.0.1:8080", "")


def test_the_process_is_given_no_other_zone(settings_of_all: dict[str, str]) -> None:
    """Neither the providers' database nor the sequencer's role, nor any owner's."""
    assert settings_of_all["HANDOFF_POSTGRES_DSN"]
    for name in (
        "PROVIDER_POSTGRES_DSN",
        "POSTGRES_SEQUENCER_DSN",
        "POSTGRES_OWNER_DSN",
        "PROVIDER_POSTGRES_OWNER_DSN",
    ):
        assert f"HANDOFF_{name}" not in settings_of_all


@pytest.fixture
def settings_of_all() -> dict[str, str]:
    """What the process is given of an installation where everything is set."""
    names = ("postgres_dsn", "postgres_owner_dsn", "postgres_sequencer_dsn")
    dsns = dict.fromkeys((*names, *(f"provider_{one}" for one in names[:2])), "postgresql://somebody@db.example/one")
    return environment_of(load_settings(**dsns, _env_file=None), Process.WEB)
