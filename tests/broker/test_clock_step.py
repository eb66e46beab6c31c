"""The database's clock steps, and deadlines do not pass by the hundred: held and alarmed until it is right (F9)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.composition import Process, broker_parts, broker_signer
from broker.limits import clock_hold_seconds
from broker.pipeline import Pipeline
from broker.schemas.ids import OrgId, new_referral_id
from broker.sql.bulk import Connection
from broker.store.ticks import last_tick
from broker.ticking import ClockGuard
from tests.broker.county import County
from tests.broker.facts import POLICE, request
from tests.broker.shell import at_home, run

REFERRALS = 25
"""More than a night's work: what a step may let pass is twenty."""


@asynccontextmanager
async def stepping_clock(county: County) -> AsyncIterator[tuple[Pipeline, list[timedelta]]]:
    """A clock process that hears the database's clock so much ahead as the list says last."""
    ahead = [timedelta(0)]
    async with broker_parts(county.settings, broker_signer(county.settings)) as parts:
        pipeline = Pipeline(replace(parts, database_clock=lambda told: told + ahead[-1]))
        await pipeline.start()
        try:
            yield pipeline, ahead
        finally:
            await pipeline.stop()


async def asked(county: County) -> None:
    """So many referrals, each offered to one provider that says nothing: its first deadline is in five minutes."""
    async with county.broker(Process.BROKER, Process.RELAY):
        for _ in range(REFERRALS):
            await county.say(POLICE, request(priority="P2"), new_referral_id())
        await county.settled()


async def taken(county: County) -> int:
    """How many steps of the ladder were taken."""
    return int(await county.pool.fetchval("SELECT count(*) FROM escalation"))


async def test_a_step_holds_every_deadline_and_alarms_until_the_clock_is_right_or_a_human_says_so(
    own_county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes ahead between two ticks: nothing is worked. Set right, it goes on; else by a human's word."""
    county = own_county
    at_home(county, monkeypatch)
    await asked(county)
    async with stepping_clock(county) as (clock, ahead):
        assert await clock.work_due() == 0
        assert (await run("status")).exit_code == 0

        ahead.append(timedelta(minutes=10))
        for _ in range(3):
            assert await clock.work_due() == 0
        assert await taken(county) == 0
        told = await run("status")
        assert told.exit_code == 1
        assert "Deadlines are held, because the database's clock stepped by +600 s" in told.output
        assert "CLOCK_HELD" in told.output
        findings = json.loads((await run("doctor", "--json")).output)
        assert [one["state"] for one in findings if one["thing"] == "Clock"] == ["missing"]

        ahead.append(timedelta(0))
        assert await clock.work_due() == 0
        assert await taken(county) == 0
        assert (await run("status")).exit_code == 0, "set right, it needs nobody"

        ahead.append(timedelta(minutes=10))
        assert await clock.work_due() == 0
        [item] = [json.loads(line) for line in (await run("work", "list", "--json")).output.splitlines()]
        assert item["reason"] == "CLOCK_HELD"
        assert (await run("work", "resolve", item["work_id"], "--by", "role:operator")).exit_code == 0
        assert await clock.work_due() == REFERRALS
        assert await taken(county) == REFERRALS
    kinds = [row["kind"] for row in await county.pool.fetch("SELECT kind FROM trail_entry ORDER BY idx")]
    assert [kind for kind in kinds if kind.startswith("clock.")] == ["clock.held", "clock.released"] * 2


class Machine:
    """A process with its own clock, beside a database whose clock may step; some deadlines fall into the step."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now, self.own = datetime.now(UTC), 1000.0
        self.guard = ClockGuard(OrgId("org-broker"), lambda: self.own)

    async def tick(self, seconds: float, step: float = 0) -> bool:
        """So many seconds later, with the database's clock stepped by so much more: whether deadlines are held."""
        self.own += seconds
        self.now += timedelta(seconds=seconds + step)
        return await self.guard.holds(self.connection, self.now, self.own)


async def _deadlines(connection: Connection, number: int, due_at: datetime) -> None:
    await connection.execute(
        "INSERT INTO need (referral_id, category, state, services, engaged, released, due_at, changed_at,"
        " priority, expires_at) SELECT 'ref-' || $2 || n, 'SHELTER', 'OFFERED', '[]', false, false, $1, $1, 'P1', $1"
        " FROM generate_series(1, $3) n",
        *(due_at, f"{due_at.timestamp()}-", number),
    )


async def test_what_is_no_step_holds_nothing_and_what_is_one_ends_by_running_evenly(own_county: County) -> None:
    """A backlog after an outage, a slow tick, few deadlines, a step back: worked. A step: held for ten even minutes."""
    async with own_county.pool.acquire() as connection:
        machine = Machine(connection)
        await _deadlines(connection, 20, machine.now + timedelta(minutes=5))
        assert not await machine.tick(0.5), "a process that has just started"
        assert not await machine.tick(600), "everything is overdue because nobody looked for ten minutes"
        assert not await machine.tick(0.5, step=-3600), "a step back lets nothing pass"
        assert not await machine.tick(0.5, step=3600), "twenty are a night's work"
        await _deadlines(connection, 21, machine.now + timedelta(minutes=5))
        assert not await machine.tick(0.5, step=4), "the clocks drift"
        assert await machine.tick(0.5, step=600)
        assert (await last_tick(connection)).held_step_seconds == pytest.approx(600, abs=1)
        another = Machine(connection)
        another.now = machine.now
        assert await another.tick(0.5), "a clock that has seen no step holds, too"
        assert await machine.tick(clock_hold_seconds - 2)
        assert await machine.tick(0.5, step=60), "it steps again: it has not run evenly"
        assert await machine.tick(clock_hold_seconds - 2)
        assert not await machine.tick(3)
        assert (await last_tick(connection)).held_at is None


async def test_a_clock_that_is_silent_is_told_of(own_county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """None has ever run; one has run; one ran half a minute ago and more."""
    at_home(own_county, monkeypatch)
    assert "No clock has ever run" in (await run("status")).output
    async with stepping_clock(own_county) as (clock, _):
        await clock.work_due()
    assert (await run("status")).exit_code == 0
    await own_county.pool.execute("UPDATE clock_tick SET ticked_at = now() - interval '31 seconds'")
    told = await run("status")
    assert told.exit_code == 1
    assert "No clock has run for 31 s" in told.output
