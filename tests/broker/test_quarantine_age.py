"""What lies in quarantine for too long is an alarm that names its owner."""

import json
from typing import Final

import pytest

from broker.commands.findings import State
from broker.commands.quarantine_finding import quarantine_finding
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.broker.shell import at_home, run
from tests.broker.test_clock_step import stepping_clock

_LIES: Final = (
    "INSERT INTO quarantine (topic, partition, record_offset, record_time_ms, code, org_id, size_bytes,"
    " quarantined_at) VALUES ('t', 0, $1, 0, 'ORG_UNKNOWN', $2, 10, now() - make_interval(hours => $3))"
)
"""A record that lies there, of whom, since so many hours."""


async def test_the_doctor_tells_whose_records_lie_there_for_too_long(own_county: County) -> None:
    """Nothing, then a record of today, then one of two days ago: only that one is a warning, with what to do."""
    [nothing] = await quarantine_finding(own_county.settings)
    assert (nothing.state, nothing.found) == (State.OK, "0 records, none too old")
    await own_county.pool.execute(_LIES, 1, POLICE, 1)
    [fresh] = await quarantine_finding(own_county.settings)
    assert (fresh.state, fresh.found) == (State.OK, "1 records, none too old")
    await own_county.pool.execute(_LIES, 2, POLICE, 48)
    [old] = await quarantine_finding(own_county.settings)
    assert old.state is State.WARNING
    assert f"1 of {POLICE}" in old.found
    assert "handoff quarantine list" in old.remedy


async def test_a_database_that_is_not_there_is_no_alarm_of_this_kind(own_county: County) -> None:
    """That is another finding's to tell."""
    assert await quarantine_finding(own_county.settings.model_copy(update={"postgres_dsn": None})) == []


async def test_status_needs_somebody_for_what_lies_there_too_long(
    own_county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record of today needs nobody; one of two days and a half is named with its owner, and `status` exits 1."""
    at_home(own_county, monkeypatch)
    async with stepping_clock(own_county) as (clock, _):
        await clock.work_due()
    await own_county.pool.execute(_LIES, 1, POLICE, 1)
    fresh = await run("status")
    assert fresh.exit_code == 0, fresh.output
    assert f"with {POLICE}, the oldest 60 min ago" in fresh.output
    await own_county.pool.execute(_LIES, 2, POLICE, 60)
    late = await run("status")
    assert late.exit_code == 1
    assert f"(1 of {POLICE}): `handoff quarantine list`" in late.output
    assert "1 TOO OLD" in late.output
    [told] = json.loads((await run("status", "--json")).output)["quarantine"]
    assert (told["owner"], told["open"], told["overdue"]) == (POLICE, 2, 1)
