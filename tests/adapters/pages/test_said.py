"""What the terminal says of an offer, its page says, too: on the screen, on paper, and to whoever listens to it."""

from datetime import datetime, timedelta
from typing import Final

import pytest
from playwright.async_api import Page, expect

from adapters.inbox.panels import offer_lines
from adapters.inbox.said import About, Said, said
from broker import limits
from broker.schemas.ids import OfferId
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages import facts
from tests.adapters.pages.house import House

_FIRST_LETTERS: Final = "e => getComputedStyle(e, '::before').content + getComputedStyle(e).backgroundColor"


async def both(house: House, page: Page, offer_id: OfferId) -> tuple[tuple[Said, ...], str, str]:
    """What is to be said of an offer, what the terminal says, and what the page says."""
    inbox = house.inbox(HAVEN)
    await page.goto(f"/offers/{offer_id}")
    offer, now = await inbox.find(offer_id), await inbox.now()
    terminal = "\n".join(offer_lines(offer, inbox.provider.kind, now))
    return said(offer, now), terminal, await page.locator("main").inner_text()


async def test_every_fact_is_on_the_terminal_and_on_the_page(house: House) -> None:
    """Each kind of fact in at least one offer: whoever adds one has to show it at both places."""
    offers = [
        await facts.pressed(house),
        await facts.handed_over(house),
        await facts.handed_over(house, prohibited=False, emergency=True),
        await facts.without_keys(house),
        await facts.recalled(house),
        await facts.recalled(house, None),
    ]
    seen: set[About] = set()
    async with house.person(HAVEN) as page:
        for offer_id in offers:
            known, terminal, shown = await both(house, page, offer_id)
            for one in known:
                assert one.text in terminal, one.about
                assert " ".join(one.text.split()) in " ".join(shown.split()), one.about
                assert one.code in shown, one.about
            seen.update(one.about for one in known)
    assert seen == set(About)


async def test_what_was_opened_says_until_when_from_whom_and_what_for(house: House) -> None:
    """The duties do not vanish with the button that opens it."""
    offer_id = await facts.handed_over(house)
    async with house.person(HAVEN) as page:
        for button in ("Open what was released", "Show contact details"):
            if button == "Open what was released":
                await page.goto(f"/offers/{offer_id}")
            await page.get_by_role("button", name=button).click()
            opened = page.locator("section", has=page.locator("#opened"))
            await expect(opened).to_contain_text("Released until")
            for told in (
                "You may not pass this on (notice VAWA-LOCAL).",
                "From the agency that asked",
                "For this, and",
            ):
                await expect(opened).to_contain_text(told)
        assert (await page.title()).startswith("Released to you")


async def test_on_paper_there_is_who_printed_it_and_nothing_to_press(house: House) -> None:
    """Role and letters, when, that a copy is to be destroyed, the duties; no way back, no part that is only a form."""
    offer_id = await facts.handed_over(house)
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_role("button", name="Open what was released").click()
        await expect(page.locator("#opened")).to_be_visible()
        await page.emulate_media(media="print")
        printed = page.locator(".printed:visible")
        await expect(printed).to_contain_text("Printed by role:staff-")
        await expect(printed).to_contain_text("(UTC). A copy: destroy it after use.")
        await expect(page.get_by_text("You may not pass this on")).to_be_visible()
        for away in ("To the list", "How it goes on", "Load again"):
            await expect(page.get_by_text(away, exact=True)).to_be_hidden()


async def test_how_far_it_has_come_is_drawn_with_its_times(house: House) -> None:
    """Under the heading: seven steps, where it stands, and since when, as far as it is known here."""
    waiting, declined = await house.offered(HAVEN), await facts.over(house)
    async with house.person(HAVEN) as page:
        for offer_id, done, ended in ((waiting, 3, 0), (declined, 4, 1)):
            await page.goto(f"/offers/{offer_id}")
            await expect(page.get_by_role("list", name="How far it has come").get_by_role("listitem")).to_have_count(7)
            assert await page.locator(".ladder .done, .ladder li.now").count() >= done
            assert await page.locator(".ladder li.ended").count() == ended
            told = await page.locator(".ladder .told").first.inner_text()
            assert datetime.strptime(told, "%d %b %Y, %H:%M (UTC)")  # noqa: DTZ007  it says its zone
        await expect(page.locator(".ladder li").nth(3)).to_contain_text("UTC")


@pytest.mark.parametrize("path", ["/", "/offers/{offer}"])
async def test_an_urgency_has_words_and_danger_to_life_looks_like_no_other(house: House, path: str) -> None:
    """Not by colour alone: a mark stands before it, and it is filled where others are lined."""
    looks = []
    async with house.person(HAVEN) as page:
        for priority, told in (("P1", "P1 · Tonight"), ("P0", "P0 · Danger to life now")):
            offer_id = await house.offered(HAVEN, priority=priority)
            await page.goto(path.format(offer=offer_id))
            tag = page.locator(".tag", has_text=told)
            await expect(tag).to_be_visible()
            looks.append(await tag.evaluate(_FIRST_LETTERS))
    assert looks[0] != looks[1]
    assert "!" in looks[1]


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
async def test_whoever_listens_hears_that_it_was_stored(house: House, scripts: bool) -> None:
    """The title begins with it, and the focus is on it; the same address says nothing later, elsewhere, to others."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN, java_script_enabled=scripts) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_label("Yes", exact=True).check()
        await page.get_by_role("button", name="Send the answer").click()
        stored = page.get_by_text("Stored. It stands now: contact pending.")
        await expect(stored).to_be_focused()
        await expect(stored).to_have_role("status")
        assert (await page.title()).startswith("Stored. It stands now: contact pending. · ")
        mark = page.url.partition("?")[2]
        assert offer_id not in mark
        async with house.person(HAVEN) as colleague:
            await colleague.goto(f"/offers/{offer_id}?{mark}")
            await expect(colleague.locator("#stored")).to_have_count(0)
        for path in ("/?{mark}", "/offers/{offer}", "/offers/{offer}?stored=1.x", "/offers/{offer}?{mark}x"):
            await page.goto(path.format(mark=mark, offer=offer_id))
            await expect(page.locator("#stored")).to_have_count(0)
        house.ahead += timedelta(seconds=limits.stored_said_seconds + 1)
        await page.goto(f"/offers/{offer_id}?{mark}")
        await expect(page.locator("#stored")).to_have_count(0)
