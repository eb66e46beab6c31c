"""The command line as a test runs it: in a thread of its own, with the county's settings in its environment."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.errors import HandoffError
from tests.client.county import County

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "examples"


def in_environment(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say the county's settings as variables, as a shell has them."""
    monkeypatch.setenv("HANDOFF_HOME", str(county.settings.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", str(county.settings.kafka_bootstrap))
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", county.settings.topic_prefix)
    monkeypatch.delenv("HANDOFF_ORG", raising=False)


async def handoff(*args: str | Path) -> Result:
    """Run a command, as a shell would in a process."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, [str(arg) for arg in args]))


def told(result: Result) -> str:
    """What the command printed, and the error it ended with."""
    return f"{result.output}{result.exception if isinstance(result.exception, HandoffError) else ''}"
