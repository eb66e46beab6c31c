"""The pages of the house itself: free places, who is on call, a live transfer, an agreed hour, a kept draft."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import expect
from pydantic_core import from_json

from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from broker import limits
from broker.schemas.ids import OfferId, new_event_id
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import GROUPS, SAFE_CONTACT
from tests.adapters.pages.house import House
from tests.browsing import FROM_HERE

Form = dict[str, str | float | bool]


async def stored(house: House) -> list[tuple[str, Any]]:
    """Every answer that was stored, and what it says."""
    rows = await house.desk.pool.fetch("SELECT type, value FROM answer ORDER BY seq")
    return [(row["type"].removeprefix("org.warmhandoff."), from_json(row["value"])) for row in rows]


async def test_free_places_are_said_by_a_tap_and_grow_old(house: House) -> None:
    """The same event as the command line's; its age stands beside it, and what is too old says so."""
    async with house.person(HAVEN) as page:
        await page.goto("/capacity")
        await expect(page.get_by_text("Nothing was said yet")).to_be_visible()
        await page.get_by_label("For what").select_option("EMERGENCY_SHELTER")
        await page.get_by_label("What is counted").select_option("CRIB")
        await page.get_by_role("button", name="1-2", exact=True).click()
        await expect(page.get_by_role("heading", name="emergency shelter: crib")).to_be_visible()
        await page.get_by_role("button", name="Now 0: crib").click()
        await expect(page.locator(".number")).to_have_text("0")
        assert await page.get_by_text("Too old to rely on").count() == 0
        old = timedelta(hours=limits.capacity_fresh_hours, minutes=1)
        await house.desk.pool.execute("UPDATE answer SET made_at = made_at - $1::interval", old)
        await page.goto("/capacity")
        await expect(page.get_by_text("said 4 h 1 min ago")).to_be_visible()
        await expect(page.get_by_text("Too old to rely on: say it again.")).to_be_visible()
    told = await stored(house)
    assert [(kind, data["unit"], data["available"]) for kind, data in told] == [
        ("capacity.updated.v1", "CRIB", "1-2"),
        ("capacity.updated.v1", "CRIB", "0"),
    ]
    async with house.person(HAVEN, StaffRole.PRIVACY_OFFICER) as page:
        await page.goto("/capacity")
        assert await page.locator("main form").count() == 0


async def test_what_this_kind_of_house_does_not_count_is_refused(house: House) -> None:
    """A shelter has no caseload; nothing is stored."""
    form: Form = {"service": "EMERGENCY_SHELTER", "unit": "CASELOAD", "available": "0"}
    async with house.person(HAVEN) as page:
        answer = await page.context.request.post("/capacity", form=form, headers=FROM_HERE)
    assert answer.status == 409
    assert await stored(house) == []


async def test_the_roster_is_written_and_read_on_the_page(house: House) -> None:
    """Nobody is on call, then somebody is, and stands beside an urgent offer; struck out, nobody is again."""
    offer_id = await house.offered(HAVEN, priority="P0")
    async with house.person(HAVEN) as page:
        await page.goto("/roster")
        await expect(page.get_by_text("Nobody is on call now.")).to_be_visible()
        await page.get_by_label("Role").select_option("SUPERVISOR")
        await page.get_by_label("Number, with its country").fill("+15555550123")
        await page.get_by_role("button", name="Write it down").click()
        await expect(page.get_by_role("link", name="+15555550123")).to_be_visible()
        assert await page.get_by_text("Nobody is on call now.").count() == 0
        await page.goto(f"/offers/{offer_id}")
        await expect(page.get_by_role("heading", name="On call here now")).to_be_visible()
        await page.goto("/roster")
        await page.get_by_role("button", name="Strike out").click()
        await expect(page.get_by_text("Nobody is on call now.")).to_be_visible()
        turn = {"role": "STAFF", "starts": "2026-03-04T08:00", "hours": "8", "number": "+15555550123"}
        for wrong in ({"number": "Wolfsbane"}, {"hours": "0"}, {"hours": "x"}, {"starts": "soon"}, {"role": "ANNA"}):
            form: Form = {**turn, **wrong}
            refused = await page.context.request.post("/roster", form=form, headers=FROM_HERE)
            assert refused.status == 400, wrong
            assert "Wolfsbane" not in await refused.text()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM on_call") == 0


async def test_a_live_transfer_from_the_yes_to_the_line(house: House) -> None:
    """Yes with a call: whom to call and since when; picked up; taken over; each said once."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_label("Yes, and we call the worker now").check()
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.get_by_role("heading", name="Call the worker now")).to_be_visible()
        assert "+1" in await page.locator(".call-back").inner_text()
        await page.get_by_label("The worker has picked up").check()
        await page.get_by_role("button", name="Store it").click()
        await expect(page.get_by_role("heading", name="You are on the line with the worker")).to_be_visible()
        await page.get_by_label("She is with us on the line: taken over").check()
        await page.get_by_role("button", name="Store it").click()
        await page.wait_for_url(f"**/offers/{offer_id}?stored=*")
        await expect(page.get_by_text("engaged").first).to_be_visible()
    told = await stored(house)
    assert [kind.partition(".v1")[0] for kind, _ in told] == ["offer.accepted", "handoff.started", "handoff.completed"]
    assert (told[1][1]["takenBy"], told[1][1]["pickedUp"]) == ("STAFF", "WORKER")


async def test_a_live_transfer_that_does_not_come_about_stays_ours(house: House) -> None:
    """By code, without scripts; the same form again is the same step, and a code that is none is no step."""
    offer_id = await house.offered(HAVEN, Standing.ACCEPTED)
    async with house.person(HAVEN, java_script_enabled=False) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_role("link", name="To the live transfer").click()
        for step in ({"step": "failed"}, {"step": "failed", "reason": "SHE_HUNG_UP"}, {"step": "ANNA"}, {}):
            form: Form = {**step, "key": new_event_id()}
            answer = await page.context.request.post(f"/offers/{offer_id}/handoff", form=form, headers=FROM_HERE)
            assert answer.status == 400, step
        await page.get_by_label("It did not come about").check()
        await page.get_by_label("If not: why").select_option("NOBODY_FREE")
        await page.get_by_role("button", name="Store it").click()
        await expect(page.locator(".standing", has_text="contact pending").first).to_be_visible()
    assert [data["reason"] for _, data in await stored(house)] == ["NOBODY_FREE"]


def hours(first: timedelta, last: timedelta) -> dict[str, Any]:
    """Contact agreed for a window of today's, from now."""
    now = datetime.now(UTC)
    window = {"rrule": "FREQ=DAILY", "startsAt": f"{now + first:%H:%M}", "endsAt": f"{now + last:%H:%M}"}
    return {**SAFE_CONTACT, "windows": [window | {"timezone": "UTC"}]}


async def released(house: House, safe: dict[str, Any]) -> OfferId:
    """An accepted offer whose way of contact is this one."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id, {**GROUPS, "FG03": safe})
    return offer_id


async def test_an_attempt_is_noted_at_an_hour_that_she_agreed_to(house: House) -> None:
    """Within it, or some minutes after; at any other hour, and where she will call, it is refused in words."""
    house.allowed.append("409")
    refused = [
        await released(house, hours(timedelta(hours=3), timedelta(hours=4))),
        await released(house, {**SAFE_CONTACT, "mode": "SURVIVOR_WILL_CALL"}),
    ]
    noted = [
        await released(house, hours(timedelta(hours=-1), timedelta(hours=1))),
        await released(house, hours(timedelta(hours=-1), timedelta(minutes=-5))),
        await house.offered(HAVEN, Standing.CONTACT_PENDING),
    ]
    async with house.person(HAVEN) as page:
        for offer_id in (*refused, *noted):
            await page.goto(f"/offers/{offer_id}")
            await page.get_by_label("What happened").select_option("tried:NO_ANSWER")
            await page.get_by_role("button", name="Store it").click()
            if offer_id in refused:
                await expect(page.get_by_role("heading")).to_have_text("Not at this hour")
            else:
                await page.wait_for_url(f"**/offers/{offer_id}?stored=*")
        form: Form = {"step": "tried:OUTSIDE_WINDOW_SKIPPED", "key": new_event_id()}
        skipped = await page.context.request.post(f"/offers/{refused[0]}/progress", form=form, headers=FROM_HERE)
        assert skipped.ok, "that nobody has tried may be noted at any hour"
    rows = await house.desk.pool.fetch("SELECT offer_id FROM answer ORDER BY seq")
    assert [row["offer_id"] for row in rows] == [*noted, refused[0]]
    readings = await house.desk.pool.fetch("SELECT DISTINCT groups, contact_shown FROM reading")
    assert [(from_json(row["groups"]), row["contact_shown"]) for row in readings] == [(["FG03"], False)]


async def test_no_attempt_is_noted_on_a_way_of_contact_that_holds_no_more(house: House) -> None:
    """Confirmed too long ago, its release over, or taken back: refused in words, and nothing is stored."""
    house.allowed.append("409")
    old = {**SAFE_CONTACT, "lastConfirmedAt": f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%dT%H:%M:%SZ}"}
    too_old, over = await released(house, old), await released(house, SAFE_CONTACT)
    taken_back = await released(house, SAFE_CONTACT)
    execute = house.desk.pool.execute
    await execute("UPDATE disclosure SET expires_at = clock_timestamp() WHERE offer_id = $1", over)
    await execute("DELETE FROM sealed_part WHERE offer_id = $1 AND field_group = 'FG03'", taken_back)
    await execute(
        "INSERT INTO recall (org_id, offer_id, groups, answer_by, received_at)"
        " VALUES ($1, $2, '[\"FG03\"]', clock_timestamp(), clock_timestamp())",
        *(HAVEN, taken_back),
    )
    said = {
        too_old: "It was confirmed too long ago that contact is safe",
        over: "its release has ended",
        taken_back: "The way of contact was taken back",
    }
    async with house.person(HAVEN) as page:
        for offer_id, words in said.items():
            await page.goto(f"/offers/{offer_id}")
            await page.get_by_label("What happened").select_option("tried:NO_ANSWER")
            await page.get_by_role("button", name="Store it").click()
            await expect(page.get_by_role("heading")).to_have_text("Make no contact")
            await expect(page.get_by_text(words)).to_be_visible()
        assert await stored(house) == []
        await page.context.request.post(f"/offers/{too_old}/confirmed", headers=FROM_HERE)
        form: Form = {"step": "tried:NO_ANSWER", "key": new_event_id()}
        now = await page.context.request.post(f"/offers/{too_old}/progress", form=form, headers=FROM_HERE)
        assert now.ok, "the worker has said that it still holds"
    assert [data["outcome"] for _, data in await stored(house)] == ["NO_ANSWER"]


async def test_what_was_chosen_is_there_after_the_session_has_ended(house: House) -> None:
    """For the same account, not for a colleague; gone once the answer is sent, and never on the device."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_label("No; somebody else is asked at once").check()
        async with page.expect_response("**/draft") as kept:
            await page.get_by_label("If no: why").select_option("NO_CAPACITY_BEDS")
        assert (await kept.value).status == 204
        async with house.person(HAVEN) as colleague:
            await colleague.goto(f"/offers/{offer_id}")
            assert await colleague.locator("input:checked").count() == 0
        await house.desk.pool.execute("UPDATE staff_session SET ended_at = NULL")
        await page.goto(f"/offers/{offer_id}")
        await expect(page.get_by_text("You had chosen this and not sent it.")).to_be_visible()
        await expect(page.get_by_label("No; somebody else is asked at once")).to_be_checked()
        await expect(page.get_by_label("If no: why")).to_have_value("NO_CAPACITY_BEDS")
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.locator(".standing", has_text="declined")).to_be_visible()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM draft") == 0
