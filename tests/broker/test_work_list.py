"""What waits for a human: one has it at a time, what is decided is done, and each step is an entry of the trail."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.work_list import Resolution, UnmetReason
from broker.errors import WorkClaimed, WorkImpossible
from broker.schemas.ids import ReferralId
from broker.schemas.referral_closed import ReferralClosed
from broker.store import work
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.broker.letters import until
from tests.broker.shell import at_home, run
from tests.broker.test_ladder import made_hours_ago, requested

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY_GIVES = {"services": ["PET_FOSTER"], "priority": "P2"}


@pytest.fixture
def shell(served: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The county's settings as a shell has them."""
    at_home(served, monkeypatch)


async def stuck(county: County) -> tuple[ReferralId, str, str]:
    """A referral for help that nobody in the county gives: its id, the item on the list, and the kind of help."""
    referral = await requested(county, **NOBODY_GIVES)
    row = await county.pool.fetchrow(
        "SELECT * FROM work_item WHERE referral_id = $1 AND reason = 'NOBODY_LEFT'", referral
    )
    assert row is not None
    return referral, row["work_id"], row["category"]


async def told(county: County, referral: str, kind: str) -> list[dict[str, Any]]:
    """What the trail says of one kind of step."""
    rows = await county.pool.fetch(
        "SELECT preimage FROM trail_entry WHERE referral_id = $1 AND kind = $2 ORDER BY idx", referral, kind
    )
    return [json.loads(bytes(row["preimage"])) for row in rows]


async def test_of_twenty_who_claim_it_at_once_one_has_it(served: County) -> None:
    """The others are told that somebody has it; the trail has one claim."""
    referral, item, _ = await stuck(served)

    async def claim(number: int) -> bool:
        async with served.pool.acquire() as connection:
            try:
                await work.claim(connection, item, f"desk:{number}")
            except WorkClaimed:
                return False
            return True

    assert sum(await asyncio.gather(*(claim(number) for number in range(20)))) == 1
    assert len(await told(served, referral, "work.claimed")) == 1


@pytest.mark.usefixtures("shell")
async def test_a_claim_ends_by_itself_and_taking_it_over_before_is_told(served: County) -> None:
    """Ten minutes; before that only --override, which names whose it was in the trail."""
    referral, item, _ = await stuck(served)
    assert (await run("work", "claim", item, "--by", "desk:one")).exit_code == 0
    refused = await run("work", "resolve", item, "--by", "desk:two")
    assert isinstance(refused.exception, WorkClaimed)
    assert (await run("work", "claim", item, "--by", "desk:two", "--override")).exit_code == 0
    assert (await told(served, referral, "work.claimed"))[-1]["takenFrom"] == "desk:one"
    await served.pool.execute("UPDATE work_item SET claimed_until = now() WHERE work_id = $1", item)
    assert (await run("work", "claim", item, "--by", "desk:three")).exit_code == 0
    assert "takenFrom" not in (await told(served, referral, "work.claimed"))[-1]
    named = await run("work", "claim", item, "--by", "Jane Doe")
    assert named.exit_code == 2
    assert "Jane" not in named.output


@pytest.mark.usefixtures("shell")
async def test_closing_a_need_as_unmet_closes_it_and_tells_the_source(served: County) -> None:
    """L5: only with a coded reason; the police hear that it is closed, and no more than that."""
    referral, item, category = await stuck(served)
    assert (await run("work", "resolve", item, "--as", "CLOSE_UNMET")).exit_code == 2
    done = await run(
        "work", "resolve", item, "--as", "CLOSE_UNMET", "--unmet", "NO_PROVIDER", "--by", "role:coordinator"
    )
    assert done.exit_code == 0, done.output

    async def closed() -> bool:
        return bool((await served.need(referral, category))["state"] == "CLOSED_UNMET")

    await until(closed)
    await served.settled()
    [heard] = served.facts(ReferralClosed, org=POLICE, about=referral)
    assert (heard.coarse, heard.state) == ("CLOSED", None)
    [resolved] = await told(served, referral, "work.resolved")
    assert (resolved["actor"], resolved["resolution"], resolved["unmet"]) == (
        *("role:coordinator", "CLOSE_UNMET", "NO_PROVIDER"),
    )
    moved = (await told(served, referral, "need.moved"))[-1]
    assert (moved["unmet"], moved["by"]) == ("NO_PROVIDER", "role:coordinator")
    levels = await served.pool.fetch("SELECT level FROM escalation WHERE referral_id = $1 ORDER BY level", referral)
    assert levels[-1]["level"] == "L5"


@pytest.mark.usefixtures("shell")
async def test_asking_again_asks_again_and_comes_back_where_nobody_is_found(served: County) -> None:
    """SEEK_AGAIN in vain: the item is resolved, and a new one stands."""
    referral, item, _ = await stuck(served)
    assert (await run("work", "resolve", item, "--as", "SEEK_AGAIN")).exit_code == 0

    async def again() -> bool:
        found = (
            "SELECT count(*) FROM work_item WHERE referral_id = $1 AND resolved_at IS NULL AND reason = 'NOBODY_LEFT'"
        )
        return bool(await served.pool.fetchval(found, referral))

    await until(again)


async def test_what_is_taken_care_of_and_still_open_comes_back(served: County) -> None:
    """Nobody calls her; a human has said that it is handled, and still nobody has: it is due again, and on the list."""
    referral, item, category = await stuck(served)
    await served.pool.execute("UPDATE need SET expires_at = now() WHERE referral_id = $1", referral)
    await served.pool.execute("UPDATE need SET due_at = now() WHERE referral_id = $1", referral)
    found = (
        "SELECT work_id FROM work_item WHERE referral_id = $1 AND reason = 'EXPIRED_UNTAKEN' AND resolved_at IS NULL"
    )
    ended = await until(lambda: served.pool.fetchval(found, referral))
    assert (await served.need(referral, category))["due_at"] is None
    async with served.pool.acquire() as connection:
        for one in (item, ended):
            await work.resolve(connection, one, "desk:one", Resolution.HANDLED)
    due_at = (await served.need(referral, category))["due_at"]
    assert timedelta(hours=7) < due_at - datetime.now(UTC) < timedelta(hours=9)
    await served.pool.execute("UPDATE need SET due_at = now() WHERE referral_id = $1", referral)
    assert await until(lambda: served.pool.fetchval(found, referral)) != ended


async def test_what_is_offered_can_neither_be_closed_nor_be_lost(served: County) -> None:
    """A decision that the need's state has no place for is refused, and the item stays."""
    referral = await requested(served, priority="P2")
    await made_hours_ago(served, [referral], 5)

    async def raised() -> Any:
        found = "SELECT work_id FROM work_item WHERE referral_id = $1 AND resolved_at IS NULL"
        return await served.pool.fetchval(found, referral)

    item = await until(raised)
    async with served.pool.acquire() as connection:
        with pytest.raises(WorkImpossible):
            await work.resolve(connection, item, "desk:one", Resolution.CLOSE_UNMET, UnmetReason.NO_ANSWER)
    assert await raised() == item


@pytest.mark.usefixtures("shell")
async def test_assigned_it_is_left_alone_until_it_is_given_back(served: County) -> None:
    """Nothing climbs while a desk has it; released, the steps that are due are taken."""
    referral = await requested(served, priority="P2")
    await made_hours_ago(served, [referral], 3)
    found = "SELECT work_id FROM work_item WHERE referral_id = $1"
    item = await until(lambda: served.pool.fetchval(found, referral))
    assert (await run("work", "assign", item, "--to", "desk:night")).exit_code == 0
    await made_hours_ago(served, [referral], 5)

    async def left_to_the_desk() -> bool:
        return bool((await served.need(referral))["next_action"] == "EXPIRE_OFFERS")

    await until(left_to_the_desk)
    taken = "SELECT count(*) FROM escalation WHERE referral_id = $1"
    assert await served.pool.fetchval(taken, referral) == 2
    assert (await run("work", "release", item)).exit_code == 0

    async def climbs_on() -> bool:
        return bool(await served.pool.fetchval(taken, referral) == 3)

    await until(climbs_on)
    kinds = [kind for kind in await served.steps(referral) if kind.startswith("work.")]
    assert kinds == ["work.raised", "work.assigned", "work.released"]


@pytest.mark.usefixtures("shell")
async def test_the_list_says_how_old_whose_and_what_then(served: County) -> None:
    """For people and programs; what has lain too long is marked, and `status` exits 1 and says where to look."""
    referral, item, _ = await stuck(served)
    await served.pool.execute("UPDATE work_item SET raised_at = now() - interval '9 hours' WHERE work_id = $1", item)
    rows = [json.loads(line) for line in (await run("work", "list", "--json")).output.splitlines()]
    [row] = [row for row in rows if row["work_id"] == item]
    assert row["aged"]
    assert row["age_seconds"] >= 9 * 3600
    assert row["need_state"] == "NO_MATCH"
    shown = await run("work", "show", item)
    assert "TOO OLD" in shown.output
    assert "the need is NO_MATCH; next CLIMB_LADDER" in shown.output
    status = await run("status")
    assert status.exit_code == 1
    assert "too old: `handoff work list`" in status.output
    as_program = json.loads((await run("status", "--json")).output)
    assert as_program["idle"] == 0
    assert as_program["clock"]["silent_seconds"] <= 30
    assert referral not in status.output, "codes, counts and ages: no case"
