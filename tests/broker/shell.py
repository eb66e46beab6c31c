"""A county's settings as a shell has them, for commands that a test runs as a person would."""

import asyncio

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from tests.broker.county import County


def at_home(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find this county."""
    assert county.settings.postgres_dsn is not None
    monkeypatch.setenv("HANDOFF_HOME", str(county.settings.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", str(county.settings.kafka_bootstrap))
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", county.settings.postgres_dsn.get_secret_value())
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", county.settings.topic_prefix)


async def run(*words: str) -> Result:
    """Run a command, as a process of its own would."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))
