"""No agency crowds out another, and nobody keeps the door waiting: bounds by organisation, at once, and in time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from broker import limits
from broker.schemas.ids import new_event_id, new_referral_id
from tests.adapters.door.own_system import Said
from tests.broker.county import County
from tests.broker.facts import HOTLINE, POLICE, request
from tests.broker.letters import until
from tests.broker.refusals import good
from tests.web.agency import Agency
from tests.web.conftest import DoorOfOwn

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_organisation_s_requests_are_limited_and_nobody_else_s(
    served: County, police: Agency, hotline: Agency, own_door: DoorOfOwn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events and questions count alike; 429 says when there is room again, and then there is. What is signed by nobody
    uses up nothing.
    """
    monkeypatch.setattr(limits, "web_rate_burst", 3.0)
    monkeypatch.setattr(limits, "web_rate_per_second", 0.5)
    now = 1000.0
    async with own_door(ticks=lambda: now) as base:
        police, hotline = (Agency(police.session, base, one.key) for one in (police, hotline))
        letter, target = good(served, new_referral_id()), f"/events/{new_event_id()}"
        forged = letter.header("wh-signature", b"v1 org-police#sign-1 " + b"A" * 86)
        assert {(await police.publish(forged)).status for _ in range(5)} == {401}
        assert [(await police.publish(letter)).status for _ in range(2)] == [202, 202]
        assert (await police.ask(target)).status == 404
        for said in (await police.publish(letter), await police.ask(target)):
            assert (said.status, said.code, said.headers["retry-after"]) == (429, "RATE_LIMITED", "2")
        assert (await hotline.publish(served.letter(HOTLINE, request(), new_referral_id()))).status == 202
        now += 2
        assert [(await police.publish(letter)).status for _ in range(2)] == [202, 429]
        now += 1000
        assert [(await police.publish(letter)).status for _ in range(4)] == [202, 202, 202, 429]


async def test_so_many_requests_are_worked_at_once_and_the_rest_asked_to_come_again(
    served: County, police: Agency, own_door: DoorOfOwn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with a code and retry-after, before anything is read; as soon as one has ended there is room."""
    monkeypatch.setattr(limits, "web_requests_max", 2)
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await go_on.wait()

    async def slow(base: str) -> int:
        status = 503
        while status == 503:
            async with police.session.post(f"{base}/events", data=body()) as response:
                status = response.status
        return status

    async with own_door() as base:
        there = Agency(police.session, base, police.key)
        waiting = [asyncio.create_task(slow(base)) for _ in range(2)]

        async def full() -> bool:
            said = await there.publish(good(served, new_referral_id()))
            return (said.status, said.headers.get("retry-after")) == (503, "5") and said.code == "BUSY"

        await until(full)
        go_on.set()
        assert await asyncio.gather(*waiting) == [400, 400]
        assert (await there.publish(good(served, new_referral_id()))).status == 202


async def test_so_many_read_notices_at_once(
    police: Agency, own_door: DoorOfOwn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits takes a connection to Kafka; the next is asked to come again, and events get through."""
    monkeypatch.setattr(limits, "web_notice_readers_max", 1)
    async with own_door() as base:
        there = Agency(police.session, base, police.key)
        page = (await there.ask("/notices")).content
        while page["more"]:
            page = (await there.ask(f"/notices?after={page['next']}")).content
        last = page["next"]

        async def wait() -> Said:
            said = None
            while said is None or said.status == 503:
                said = await there.ask(f"/notices?after={last}&wait=2")
            return said

        waiting = asyncio.create_task(wait())

        async def full() -> bool:
            said = await there.ask("/notices")
            return said.status == 503 and said.code == "BUSY"

        await until(full)
        assert (await waiting).content["notices"] == []
        assert (await there.ask("/notices")).status == 200


async def test_a_body_that_trickles_is_given_up(police: Agency, door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """408 by code."""
    monkeypatch.setattr(limits, "door_body_seconds_max", 0.2)
    never = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with police.session.post(f"{door}/events", data=body()) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (408, "TOO_SLOW")


async def test_forty_at_once_are_all_published(served: County, police: Agency) -> None:
    """Each with its own 202, each once."""
    letters = [served.letter(POLICE, request(), new_referral_id()) for _ in range(40)]
    said = await asyncio.gather(*(police.publish(letter) for letter in letters))
    assert [one.status for one in said] == [202] * 40
    await served.settled()
    rows = await served.pool.fetch(
        "SELECT event_id FROM inbox WHERE event_id = ANY($1::text[])", [letter.event_id for letter in letters]
    )
    assert len(rows) == 40
