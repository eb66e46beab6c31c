"""A client that knows the broker's door keeps the log's checkpoints by itself, and goes on whatever the log is like."""

import os
from pathlib import Path

import pytest

from broker import limits
from broker.agency.errors import LogShorter
from broker.agency.kept_log import FOLDER, VKEYS_FILE
from broker.client import AgencyClient
from tests.broker.letters import until
from tests.client.county import HOTLINE, County, asked
from tests.trail.published import Published, entries, shown


async def test_a_client_keeps_checkpoints_and_publishes_on(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks when it is opened and again and again; a log that was cut short is told, and a referral still leaves."""
    monkeypatch.setattr(limits, "log_look_seconds", 0.02)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    log = Published(tmp_path / "log")
    log.put(entries(300))
    kept_in = county.settings.zones / HOTLINE / FOLDER
    kept_in.mkdir()
    (kept_in / VKEYS_FILE).write_text(log.verifier.vkey)
    async with shown(log.folder) as url:
        settings = county.settings.model_copy(update={"broker_url": url})
        async with AgencyClient.of_settings(settings, HOTLINE) as client:
            assert client.log is not None
            seen = client.log

            async def looked() -> bool:
                return seen.kept() is not None

            await until(looked)
            log.folder.rename(tmp_path / "before")
            log.put(entries(200))

            async def shouted() -> bool:
                return isinstance(seen.contradiction, LogShorter)

            await until(shouted)
            published = await client.request_referral(**asked())
            assert published.requested.event_id
    assert AgencyClient.of_settings(county.settings, HOTLINE).log is None
