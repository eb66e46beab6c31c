"""The desk's pages are for everybody: by axe, by keyboard, narrow, without scripts, on paper, in Spanish, small."""

import gzip

import pytest
from playwright.async_api import Response, expect

from broker.domain.work_list import Resolution, UnmetReason
from broker.handlers.cases import NextAction
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import NeedState
from broker.store.quarantine import DiscardReason, ReleaseReason
from broker.web.desk import owed, words
from broker.web.desk.roles import DeskRole
from broker.web.desk.sections import SECTIONS
from tests.adapters.pages.catalogue import LANGUAGES, translated
from tests.adapters.pages.test_look import FIRST_VIEW_BYTES_MAX, is_for_everybody, walked
from tests.browsing import lacking_in_spanish
from tests.web.desk.office import Office
from tests.web.desk.states import LISTS, every_page, filled


async def test_every_page_is_for_everybody(office: Office) -> None:
    """No finding of axe, none that it leaves open; nothing wider than the screen; primary targets of 44 pixels."""
    office.named()
    async with office.visitor(viewport={"width": 320, "height": 640}, color_scheme="dark") as page:
        async for name in every_page(office, page):
            await is_for_everybody(page, 320, name)


async def test_a_wide_and_light_page_is_so_as_well(office: Office) -> None:
    """Where tables are tables: each list, an item and a record."""
    item, record = await filled(office)
    wide = {"width": 1280, "height": 640}
    async with office.person(DeskRole.OPERATOR, viewport=wide, color_scheme="light", reduced_motion="reduce") as page:
        for path in (*LISTS, f"/worklist/{item}", record):
            await page.goto(path)
            await is_for_everybody(page, 1280, path)


async def test_every_page_is_whole_without_scripts_in_spanish_in_an_exercise_and_on_paper(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All forms work without scripts; what the catalogue lacks is told by name; an exercise says so on each page;
    printed, nothing but what was asked for is on the paper."""
    lacking = lacking_in_spanish(monkeypatch)
    office.practise()
    async with office.visitor(java_script_enabled=False, locale="es-MX") as page:
        async for name in every_page(office, page):
            assert await page.locator("h1:visible").count() == 1, name
            assert await page.locator("html").get_attribute("lang") == "es", name
            await expect(page.locator(".practice"), name).to_be_visible()
            await page.emulate_media(media="print")
            for away in (".top", "form", "nav", "footer", "dialog"):
                assert await page.locator(f"{away}:visible").count() == 0, (name, away)
            await page.emulate_media(media="screen")
    assert lacking == []


async def test_every_list_is_walked_by_keyboard(office: Office) -> None:
    """From the skip link past the way out to the rows, and out of it again: nothing holds the focus."""
    await filled(office)
    async with office.person(DeskRole.OPERATOR, viewport={"width": 320, "height": 640}) as page:
        for path in LISTS:
            await page.goto(path)
            order = await walked(page)
            assert order[0] == "Skip to the content", path
            assert {"exit", "Load again", "Work list", "Sign out"} <= set(order), (path, order)


async def test_an_item_is_taken_and_decided_by_keyboard_alone(office: Office) -> None:
    """From the list to the stored decision."""
    await office.waits("CONTACT_OVERDUE", state=NeedState.CONTACT_PENDING)
    async with office.person(DeskRole.COORDINATOR, viewport={"width": 320, "height": 640}) as page:
        await page.goto("/worklist")
        await page.locator("tbody a").focus()
        for button in ("Take it", "Store the decision"):
            await page.keyboard.press("Enter")
            await page.get_by_role("button", name=button).wait_for()
            await walked(page, until="resolution" if button == "Store the decision" else button)
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("It is off the work list.")).to_be_visible()


async def test_the_first_view_is_small(office: Office) -> None:
    """Everything that a work list of fifty loads, compressed: at most 50 KiB."""
    for _ in range(50):
        await office.waits("NOBODY_LEFT")
    answers: list[Response] = []
    async with office.person(DeskRole.COORDINATOR) as page:
        page.on("response", lambda answer: answers.append(answer))
        await page.goto("/worklist", wait_until="networkidle")
        whole = [answer for answer in answers if answer.request.resource_type != "eventsource"]
        sizes = [len(gzip.compress(await answer.body())) for answer in whole]
    assert len(sizes) >= 4, "the page, its style, its scripts"
    assert sum(sizes) <= FIRST_VIEW_BYTES_MAX


def test_every_code_that_the_desk_can_say_has_words_in_both_languages() -> None:
    """Reasons, decisions, states, next steps; a code without words would be shown as a code."""
    for table, codes in (
        (words.DECISIONS, Resolution),
        (words.UNMET, UnmetReason),
        (words.STATES, NeedState),
        (words.THEN, NextAction),
        (words.RELEASES, ReleaseReason),
        (words.DISCARDS, DiscardReason),
    ):
        assert set(table) == set(codes)
    whys = [sentence for why in (*words.REASONS.values(), *words.DECISIONS.values()) for sentence in why]
    tables = (words.UNMET, words.STATES, words.THEN, words.RELEASES, words.DISCARDS, words.OWED, words.TO, words.ROLES)
    said = {*whys, *(one for table in tables for one in table.values()), *owed.FAILURES.values()}
    said |= {section.name for section in SECTIONS}
    said |= {role.value.replace("_", " ").lower() for role in DeskRole}
    assert said - translated(LANGUAGES / "es" / "LC_MESSAGES" / "handoff.po") == set()


async def test_no_list_says_more_than_codes(office: Office) -> None:
    """A refused record's row has its place and its code; no page has a title that says what this is."""
    await filled(office)
    await office.lies(RefusalCode.IDENTITY_IN_CLEAR)
    async with office.person(DeskRole.OPERATOR) as page:
        for path in LISTS:
            await page.goto(path)
            assert await page.title() in {"Overview", *(section.name for section in SECTIONS)}
    assert not [url for url in office.urls if "?" in url.replace("/counts?since=", "")]
