"""One night at a shelter, from the sign-in link to the way out, in a real browser."""

from playwright.async_api import Page, expect

from broker.schemas.ids import OfferId
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import ALIAS, SAFE_CONTACT
from tests.adapters.pages.house import House

NUMBER = str(SAFE_CONTACT["handle"])
NAME = str(ALIAS["alias"])


async def accept(page: Page, house: House, offer_id: OfferId) -> None:
    """Say yes on the offer's page, in two taps."""
    await page.goto(f"/offers/{offer_id}")
    await page.get_by_label("Yes", exact=True).check()
    await page.get_by_role("button", name="Send the answer").click()
    await expect(page.locator(".standing", has_text="contact pending")).to_be_visible()


async def test_from_the_link_to_the_way_out(house: House) -> None:
    """Sign in, see what waits, say yes in two taps, open what was released, ask for the number, leave."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        await expect(page.get_by_role("heading", level=1)).to_have_text("What waits and what is under way")
        await page.get_by_role("table").get_by_role("link").click()
        await accept(page, house, offer_id)
        await house.release(HAVEN, offer_id)
        await page.get_by_role("link", name="Load again").click()
        assert NAME not in await page.content()
        await page.get_by_role("button", name="Open what was released").click()
        await expect(page.get_by_text(NAME)).to_be_visible()
        first = page.locator("section").first
        await expect(first.get_by_role("heading", level=2)).to_have_text("How to make contact safely")
        assert NUMBER not in await page.content()
        await page.get_by_role("button", name="Show contact details").click()
        await expect(page.get_by_text(NUMBER)).to_be_visible()
        await page.get_by_role("link", name="Exit this page").click()
        await expect(page.get_by_role("heading")).to_have_text("You are signed out")
    readings = await house.desk.pool.fetch("SELECT reader, contact_shown FROM reading ORDER BY reading_id")
    assert [tuple(row) for row in readings] == [("STAFF", False), ("STAFF", True)]
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 0
    assert not [url for url in house.urls if NAME in url or NUMBER in url]
