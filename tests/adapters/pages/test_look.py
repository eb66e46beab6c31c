"""Pages for everybody: by axe, by keyboard, on a narrow screen, in Spanish, in an exercise, within their bytes."""

import gzip
from enum import StrEnum
from typing import Any, Final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Response, expect

from adapters.inbox.web.roles import StaffRole
from adapters.kind import kinds
from adapters.standing import Standing
from adapters.words import plain
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.contact_attempted import AttemptOutcome
from broker.schemas.field_groups import GROUPS, SEALABLE
from broker.schemas.group_vocabulary import (
    ContactChannel,
    Diet,
    GenderOfPlacement,
    IfSomeoneElseAnswers,
    PetType,
    Pronouns,
    TalkPartner,
    WorkerRole,
    YesNoUnknown,
)
from broker.schemas.group_words import LABELS, in_words
from broker.schemas.handoff_failed import HandoffFailure
from broker.schemas.handoff_started import PickedUp
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.vocabulary import Outcome, Service, SurvivorClosure
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.catalogue import LANGUAGES, compiled, translated
from tests.adapters.pages.house import House
from tests.adapters.pages.states import every_page, every_page_of_a_privacy_officer
from tests.browsing import lacking_in_spanish
from tests.schemas.samples import sealed_vocabularies

AXE: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations", "incomplete"],
}
FIRST_VIEW_BYTES_MAX: Final = 50 * 1024
PRIMARY_PIXELS_MIN: Final = 44
SIGNED_OUT: Final = ("signed out", "ways in", "first passkey", "sign in")
"""Pages of nobody: from the next one on each has the way out (broker/entry/templates/before.html)."""
_CHANGED_IDS: Final = (
    "() => [...document.querySelectorAll('dd, td, th, p')].filter(e => /^(org|role|off|ref|con|key|acc)[-:]/"
    ".test(e.innerText) && getComputedStyle(e, '::first-letter').textTransform !== 'none').map(e => e.innerText)"
)
"""Ids that are shown otherwise than they are written."""


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
async def test_every_page_is_for_everybody(house: House, width: int, scheme: Any) -> None:
    """No finding of axe, none that it leaves open; nothing wider than the screen; primary targets of 44 pixels."""
    house.named()
    async with house.visitor(viewport={"width": width, "height": 640}, color_scheme=scheme) as page:
        async for name in every_page(house, page):
            await is_for_everybody(page, width, name)


async def test_what_a_privacy_officer_sees_is_for_everybody(house: House) -> None:
    """The same pages in a role that decides nothing, and with motion reduced."""
    async with house.visitor(viewport={"width": 320, "height": 640}, reduced_motion="reduce") as page:
        async for name in every_page_of_a_privacy_officer(house, page):
            await is_for_everybody(page, 320, name)


async def test_forced_colours_still_tell_what_is_chosen(house: House) -> None:
    """Where the system sets the colours, lines say what colours said: around parts, buttons, and the chosen answer."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN, forced_colors="active") as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_label("Yes", exact=True).check()
        lines = await page.evaluate(
            "() => [['.choice:has(:checked)', 'outlineStyle'], ['.choice:not(:has(:checked))', 'outlineStyle'],"
            " ['main section', 'borderTopStyle'], ['main button', 'borderTopStyle'], ['.tag', 'borderTopStyle']]"
            ".map(([where, what]) => getComputedStyle(document.querySelector(where))[what])"
        )
    assert lines == ["solid", "none", "solid", "solid", "solid"]


async def is_for_everybody(page: Page, width: int, name: str) -> None:
    """What no page may lack."""
    found = (await Axe().run(page, options=AXE)).response
    assert [one["id"] for one in found["violations"] + found["incomplete"]] == [], name
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, name
    small = await page.evaluate(
        "min => [...document.querySelectorAll('.primary')].map(e => [e.innerText, e.getBoundingClientRect()])"
        ".filter(([, box]) => box.height && (box.height < min || box.width < min)).map(([text]) => text)",
        PRIMARY_PIXELS_MIN,
    )
    assert small == [], name
    assert await page.locator("h1:visible").count() == 1, name
    assert await page.locator("#exit:visible").count() == (name not in SIGNED_OUT), name
    assert await page.evaluate(_CHANGED_IDS) == [], name


async def test_no_page_needs_scripts_to_be_read(house: House) -> None:
    """The same pages without any; and printed, nothing but what was asked for is on the paper."""
    async with house.visitor(java_script_enabled=False) as page:
        async for name in every_page(house, page):
            assert await page.locator("h1:visible").count() == 1, name
            await page.emulate_media(media="print")
            for away in (".top", "form", "nav", "footer", "dialog"):
                assert await page.locator(f"{away}:visible").count() == 0, (name, away)
            await page.emulate_media(media="screen")


_FOCUSED: Final = (
    "() => { const e = document.activeElement, box = e.getBoundingClientRect(),"
    " bar = document.querySelector('.top').getBoundingClientRect();"
    " return [e === document.body ? '' : e.name || e.id || e.innerText, box.top >= -1 && box.bottom <= innerHeight + 1,"
    " box.top >= bar.bottom - 1 || !!e.closest('.top') || e.className === 'skip'] }"
)
_STOPS_MAX: Final = 40


async def walked(page: Page, until: str = "") -> list[str]:
    """What Tab leads to, one after the other; each is on the screen, and none below the bar (2.4.11)."""
    order: list[str] = []
    for _ in range(_STOPS_MAX):
        await page.keyboard.press("Tab")
        name, *shown = await page.evaluate(_FOCUSED)
        if not name:
            return order
        assert shown == [True, True], name
        order.append(name)
        if name == until:
            return order
    return order


async def test_an_offer_is_answered_by_keyboard_alone(house: House) -> None:
    """From the skip link to the sent answer."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN, viewport={"width": 320, "height": 640}) as page:
        await page.goto(f"/offers/{offer_id}")
        order = await walked(page, until="answer")
        assert (order[0], order[-1]) == ("Skip to the content", "answer")
        assert "exit" in order
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator(".standing", has_text="contact pending")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "reaches"),
    [
        ("/", "Free places"),
        ("/capacity", "available"),
        ("/roster", "number"),
        ("/passkeys", "passkey"),
        ("/offers/{offer_id}/handoff", "step"),
    ],
)
async def test_every_page_is_walked_by_keyboard(house: House, path: str, reaches: str) -> None:
    """From the skip link past the way out to what the page is for, and out of it again: nothing holds the focus."""
    house.named()
    offer_id = await house.offered(HAVEN, Standing.ACCEPTED)
    async with house.person(HAVEN, viewport={"width": 320, "height": 640}) as page:
        await page.goto(path.format(offer_id=offer_id))
        order = await walked(page)
        assert order[0] == "Skip to the content"
        assert {"exit", reaches, "Sign out"} <= set(order), order
        assert len(order) < _STOPS_MAX


async def test_the_first_view_is_small(house: House) -> None:
    """Everything that the list with fifty offers loads, compressed: at most 50 KiB."""
    for _ in range(50):
        await house.offered(HAVEN)
    answers: list[Response] = []
    async with house.person(HAVEN) as page:
        page.on("response", lambda answer: answers.append(answer))
        await page.goto("/", wait_until="networkidle")
        whole = [answer for answer in answers if answer.request.resource_type != "eventsource"]
        sizes = [len(gzip.compress(await answer.body())) for answer in whole]
    assert len(sizes) >= 4, "the page, its style, its scripts"
    assert sum(sizes) <= FIRST_VIEW_BYTES_MAX
    assert len(gzip.compress((LANGUAGES.parent / "static/pages.css").read_bytes())) <= 12 * 1024


async def test_an_exercise_says_so_on_every_page(house: House) -> None:
    """`Practice — no real people`; the pages of the actual network, which the next test walks, say nothing of it."""
    house.practise()
    async with house.visitor() as page:
        async for name in every_page(house, page):
            await expect(page.get_by_text("Practice — no real people"), name).to_be_visible()


async def test_every_sentence_of_every_page_is_there_in_spanish(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue lacks is told by name; the page says which language it is in."""
    lacking = lacking_in_spanish(monkeypatch)
    async with house.visitor(locale="es-MX") as page:
        async for name in every_page(house, page):
            assert await page.locator("html").get_attribute("lang") == "es", name
            assert await page.locator(".practice").count() == 0, name
    assert lacking == []


async def test_a_person_changes_the_language(house: House) -> None:
    """One tap, for the rest of the session."""
    async with house.person(HAVEN, StaffRole.SUPERVISOR) as page:
        await page.get_by_role("button", name="Español").click()
        await expect(page.get_by_text("No hay nada en espera.")).to_be_visible()
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_text("Nothing waits.")).to_be_visible()


def test_every_code_that_a_page_can_say_has_spanish_words() -> None:
    """Reasons, services, outcomes, standings; the labels of every group and property, and the codes within them."""
    codes: set[StrEnum] = {code for kind in kinds().values() for code in kind.POLICY.decline_reasons}
    for vocabulary in (
        *(Standing, Service, Outcome, SurvivorClosure, AttemptOutcome, RevocationOutcome, StaffRole),
        *(WorkerRole, GenderOfPlacement, Diet, PetType, IfSomeoneElseAnswers, YesNoUnknown, TalkPartner),
        *(ContactChannel, Pronouns, CapacityUnit, AcceptedBy, PickedUp, HandoffFailure),
    ):
        codes.update(vocabulary)
    said = {plain(code) for code in codes} | {GROUPS[code].label for code in SEALABLE} | set(LABELS.values())
    sealed = {in_words(code) or plain(code) for vocabulary in sealed_vocabularies() for code in vocabulary}
    said |= {words for words in sealed if not words[0].isdigit()}
    assert said - translated(LANGUAGES / "es" / "LC_MESSAGES" / "handoff.po") == set()


def test_the_compiled_catalogues_are_those_of_the_sentences() -> None:
    """After `handoff.po` has changed: `python -m tests.adapters.pages.catalogue`."""
    written = list(LANGUAGES.glob("*/LC_MESSAGES/*.po"))
    assert written
    for po in written:
        assert po.with_suffix(".mo").read_bytes() == compiled(po)
