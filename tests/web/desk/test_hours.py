"""The desk's people are told moments by their own clocks; auditors, who compare houses, in UTC."""

from zoneinfo import ZoneInfo

from playwright.async_api import expect

from broker.domain.work_list import Waiting
from broker.web.desk.roles import DeskRole
from tests.web.desk.office import Office


async def test_the_desk_tells_its_own_time_and_auditors_are_told_utc(office: Office) -> None:
    """The same setting, one process: the work list in its zone, what is kept for good in UTC."""
    office.zone = ZoneInfo("America/Los_Angeles")
    office.pages = office.application()
    await office.waits(Waiting.NOBODY_LEFT)
    async with office.person(DeskRole.COORDINATOR) as page:
        await page.goto("/worklist")
        await expect(page.locator(".as-of").first).to_contain_text("(Los Angeles)")
        await page.locator("main table a, main .row").first.click()
        await expect(page.locator("main")).to_contain_text("(Los Angeles)")
    async with office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit/log")
        await expect(page.locator(".as-of").first).to_contain_text(" UTC.")
        assert "Los Angeles" not in (await page.locator("main").text_content() or "")
