"""The page of an item: how far its need has come, how urgent it is in words, and what was done just now."""

from playwright.async_api import expect

from broker.schemas.vocabulary import NeedState, Priority
from broker.web.desk.roles import DeskRole
from tests.web.desk.office import Office


async def test_an_item_shows_how_far_its_need_has_come(office: Office) -> None:
    """Seven steps: up to the highest that an offer has reached, or the need itself; where it ended, that it did."""
    recalled = await office.recalled("org-clinic-river")
    for item, done, where, ended in (
        (await office.waits("NOBODY_LEFT"), 0, "A0", 0),
        (await office.waits("OUTCOME_OVERDUE", state=NeedState.IN_SERVICE), 5, "A5", 0),
        (recalled, 4, None, 1),
    ):
        async with office.person(DeskRole.COORDINATOR) as page:
            await page.goto(f"/worklist/{item}")
            ladder = page.get_by_role("list", name="How far it has come")
            await expect(ladder.get_by_role("listitem")).to_have_count(7)
            assert await ladder.locator("li.done").count() == done
            assert await ladder.locator("li.ended").count() == ended
            if where:
                await expect(ladder.locator("li.now .mark")).to_have_text(where)
            await expect(ladder.locator("li").first).to_contain_text("UTC")


async def test_urgency_has_words_on_the_list_and_on_the_item(office: Office) -> None:
    """P0 says danger to life, and looks otherwise than what is urgent tonight."""
    item = await office.waits("NOBODY_LEFT", Priority.P0)
    await office.waits("NOBODY_LEFT", Priority.P1)
    async with office.person(DeskRole.COORDINATOR) as page:
        for path in ("/worklist", f"/worklist/{item}"):
            await page.goto(path)
            await expect(page.locator(".tag.danger")).to_have_text("P0 · Danger to life now")
        await page.goto("/worklist")
        await expect(page.locator(".tag.urgent:not(.danger)")).to_have_text("P1 · Tonight")


async def test_what_was_done_is_said_first_and_holds_the_focus(office: Office) -> None:
    """Claimed, handed over, decided: the title begins with it each time."""
    item = await office.waits("NOBODY_LEFT")
    async with office.person(DeskRole.COORDINATOR) as page:
        await page.goto(f"/worklist/{item}")
        await page.get_by_role("button", name="Take it").click()
        await expect(page.get_by_text("Stored. This is yours until")).to_be_focused()
        assert (await page.title()).startswith("Stored. This is yours until")
        await page.locator("#to").select_option("role:manager")
        await page.locator("form[action$=assign] button").click()
        await expect(page.get_by_text("Stored. This is given to programme manager.")).to_be_focused()
        await page.get_by_role("button", name="Take it").click()
        await page.locator("input[value=HANDLED]").check()
        await page.locator("form[action$=resolve] button").click()
        await expect(page.get_by_role("status")).to_be_focused()
        assert (await page.title()).startswith("Stored")


async def test_on_paper_an_item_is_what_is_known_of_it(office: Office) -> None:
    """No way back, no part that is only a form; who printed it stands below."""
    item = await office.waits("NOBODY_LEFT")
    async with office.person(DeskRole.COORDINATOR) as page:
        await page.goto(f"/worklist/{item}")
        await page.emulate_media(media="print")
        await expect(page.locator(".printed:visible")).to_contain_text("Printed by role:coordinator-")
        for away in ("To the work list", "Take it", "Load again"):
            await expect(page.get_by_text(away, exact=True).first).to_be_hidden()
        await expect(page.get_by_text("Asked by")).to_be_visible()
