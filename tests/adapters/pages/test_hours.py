"""Pages tell hours as the house reads them, and read what is written there by the same clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import expect

from adapters.standing import Standing
from broker.look.words import moment
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import GROUPS, SAFE_CONTACT
from tests.adapters.pages.house import House
from tests.browsing import FROM_HERE

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def in_los_angeles(house: House) -> None:
    """From here on the house's people are told its own time."""
    house.zone = LOS_ANGELES
    house.pages = house.application()


async def test_contact_hours_are_words_and_the_first_of_them_is_told_by_her_clocks(house: House) -> None:
    """No rule of recurrence and no second zone; what else is told is told by the clocks of the house."""
    in_los_angeles(house)
    opens = datetime.now(ZoneInfo("America/New_York")).replace(hour=9, minute=0, second=0, microsecond=0)
    opens += timedelta(days=2)
    safe = {"rrule": f"FREQ=WEEKLY;BYDAY={DAYS[opens.weekday()]}", "startsAt": "09:00", "endsAt": "15:30"}
    groups = {**GROUPS, "FG03": {**SAFE_CONTACT, "windows": [{**safe, "timezone": "America/New_York"}]}}
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id, groups)
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await expect(page.locator(".standing")).to_contain_text("(Los Angeles)")
        await page.get_by_role("button", name="Open what was released").click()
        await expect(page.locator(".safe li")).to_have_text(f"{opens:%A}, 09:00–15:30, New York time")
        told = moment(opens, ZoneInfo("America/New_York"))
        await expect(page.get_by_text(f"Not now: make no contact before {told}.")).to_be_visible()
        assert "FREQ" not in await page.locator("main").inner_text()


async def test_a_turn_begins_by_the_clocks_of_the_house(house: House) -> None:
    """The field says whose time it is, and starts with now; of an hour that comes twice the first is taken."""
    in_los_angeles(house)
    turn = {"role": "STAFF", "hours": "72", "number": "+15555550123"}
    async with house.person(HAVEN) as page:
        await page.goto("/roster")
        written = await page.get_by_label("Begins (Los Angeles time)").input_value()
        now = datetime.now(LOS_ANGELES).replace(tzinfo=None)
        assert abs(datetime.fromisoformat(written) - now) < timedelta(minutes=5)
        for starts in ("2031-11-02T01:30", "2031-12-01T09:00"):
            answer = await page.context.request.post("/roster", form={**turn, "starts": starts}, headers=FROM_HERE)
            assert answer.ok, starts
        await page.goto("/roster")
        await expect(page.get_by_role("cell", name="1 Dec 2031, 09:00 (Los Angeles)")).to_be_visible()
        kept = await house.desk.pool.fetch("SELECT starts_at FROM on_call ORDER BY starts_at")
        assert [row["starts_at"] for row in kept] == [
            datetime(2031, 11, 2, 8, 30, tzinfo=UTC),
            datetime(2031, 12, 1, 17, 0, tzinfo=UTC),
        ]
        await page.get_by_role("button", name="Strike out").first.click()
        await expect(page.get_by_role("button", name="Strike out")).to_have_count(1)


async def test_an_hour_that_is_skipped_is_refused_beside_its_field(house: House) -> None:
    """Nothing is stored, what else was written is kept, and the message leads to the field; without scripts, too."""
    in_los_angeles(house)
    house.allowed.append("400")
    async with house.person(HAVEN, java_script_enabled=False) as page:
        await page.goto("/roster")
        await page.get_by_label("Begins (Los Angeles time)").fill("2031-03-09T02:30")
        await page.get_by_label("Number, with its country").fill("+15555550123")
        await page.get_by_role("button", name="Write it down").click()
        await expect(page.get_by_role("alert").first).to_contain_text("when clocks go forward, an hour is skipped")
        await expect(page.get_by_label("Number, with its country")).to_have_value("+15555550123")
        await page.get_by_role("link", name="Say when it begins").click()
        await expect(page.get_by_label("Begins (Los Angeles time)")).to_be_focused()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM on_call") == 0
