"""The network's pages are for everybody: by axe, by keyboard, narrow, on paper, in forced colours, without scripts."""

import gzip
import re
from collections.abc import AsyncIterator
from contextvars import copy_context
from html import unescape
from typing import Any, Final

import aiohttp
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Response

from adapters.door.problems import WORDING as PROVIDERS
from broker.called import KINDS, STEPS, URGENCIES
from broker.domain.pack_rows import BASIS_WORDS, FEEDBACK_WORDS
from broker.look.guard import HEADERS
from broker.look.language import LANGUAGES, _, speak
from broker.schemas.field_groups import GROUPS, groups_with_model
from broker.schemas.refusal import ADVICE
from broker.schemas.vocabulary import MsgStatus
from broker.web.codes import WORDING as AGENCIES
from broker.web.pages.contract import named_events
from broker.web.pages.words import ORGANISATIONS
from tests.adapters.pages.catalogue import LANGUAGES as CATALOGUES
from tests.adapters.pages.catalogue import translated
from tests.adapters.pages.test_look import AXE, FIRST_VIEW_BYTES_MAX, PRIMARY_PIXELS_MIN
from tests.browsing import lacking_in_spanish
from tests.web.pages.network import NOW, Network

PAGES: Final = {
    "public": "/",
    "public in Spanish": "/?language=es",
    "catalogue": "/events",
    "event": "/events/referral.requested",
    "event in Spanish": "/events/referral.requested?language=es",
    "group": "/groups/FG03",
    "refusals": "/errors",
    "refusals in Spanish": "/errors?language=es",
    "quick start": "/start",
    "practice": "/practice",
    "missing": "/groups/none",
}
_OPEN_ALL: Final = "() => document.querySelectorAll('details').forEach(one => one.open = true)"

CONTRAST_MIN: Final = 4.5
_CONTRAST: Final = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  return [...document.querySelectorAll('.timeline text')].map(text => {
    const [one, other] = [text, text.previousElementSibling].map(e => light(getComputedStyle(e).fill)).sort();
    return (other + .05) / (one + .05);
  });
}"""


def _drawn(finding: str, target: str) -> bool:
    """Numbers in a drawing: axe does not see on what they stand, and leaves that open. `_CONTRAST` measures it."""
    return finding == "color-contrast" and target.startswith("text[")


async def every_page(network: Network, page: Page) -> AsyncIterator[str]:
    """Shows one page after the other, with all that can be opened open, by its name."""
    network.allowed.append("404")
    for name, path in PAGES.items():
        await page.goto(path)
        await page.evaluate(_OPEN_ALL)
        yield name


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
async def test_every_page_is_for_everybody(network: Network, width: int, scheme: Any) -> None:
    """No finding of axe, none that it leaves open; nothing wider than the screen; primary targets of 44 pixels."""
    async with network.visitor(viewport={"width": width, "height": 640}, color_scheme=scheme) as page:
        async for name in every_page(network, page):
            found = (await Axe().run(page, options=AXE)).response
            told = [
                (one["id"], target)
                for one in found["violations"] + found["incomplete"]
                for node in one["nodes"]
                for target in node["target"]
            ]
            assert [one for one in told if not _drawn(*one)] == [], name
            assert all(ratio >= CONTRAST_MIN for ratio in await page.evaluate(_CONTRAST)), name
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
            small = await page.evaluate(
                "min => [...document.querySelectorAll('.primary')].map(e => [e.innerText, e.getBoundingClientRect()])"
                ".filter(([, box]) => box.height && (box.height < min || box.width < min)).map(([text]) => text)",
                PRIMARY_PIXELS_MIN,
            )
            assert small == [], name
            assert await page.locator("h1:visible").count() == 1, name


async def test_every_page_says_the_same_without_scripts(network: Network) -> None:
    """Each is whole as it comes: what scripts add is a quicker way out."""
    said: list[list[str]] = []
    for scripts in (True, False):
        async with network.visitor(java_script_enabled=scripts) as page:
            said.append([])
            for path in PAGES.values():
                network.allowed.append("404")
                await page.goto(path)
                said[-1].append(await page.locator("body").inner_text())
    assert said[0] == said[1]
    assert all(len(text) > 20 for text in said[0])


@pytest.mark.parametrize("path", ["/", "/events/referral.requested"])
async def test_every_page_is_walked_by_keyboard(network: Network, path: str) -> None:
    """From the skip link on, everything that can be pressed has the focus once, seen, and not below the bar."""
    async with network.visitor(viewport={"width": 320, "height": 640}) as page:
        await page.goto(path)
        wanted = await page.locator("a[href], summary, pre[tabindex]").count()
        walked: list[str] = []
        for _ in range(wanted):
            await page.keyboard.press("Tab")
            name, seen, bare, ring = await page.evaluate(
                "() => { const e = document.activeElement, box = e.getBoundingClientRect(),"
                " bar = document.querySelector('.top').getBoundingClientRect();"
                " return [e.innerText, box.bottom > 0 && box.top < innerHeight,"
                " box.top >= bar.bottom - 1 || box.height > innerHeight || !!e.closest('.top, .skip'),"
                " getComputedStyle(e).outlineStyle !== 'none'] }"
            )
            walked.append(name)
            assert (seen, bare, ring) == (True, True, True), name
        assert walked[0] == "Skip to the content"
        assert len(walked) == wanted
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement === document.body || document.activeElement.className")


async def test_shift_three_times_leaves_at_once(network: Network) -> None:
    """As the button does, which is a plain link."""
    async with network.visitor() as page:
        for leave in ("press", "click"):
            await page.goto("/")
            if leave == "press":
                for _ in range(3):
                    await page.keyboard.press("Shift")
            else:
                await page.get_by_role("link", name="Exit this page").click()
            await page.wait_for_url("**/start")


async def test_on_paper_everything_is_black_on_white_and_nothing_is_hidden(network: Network) -> None:
    """What is folded on the screen is printed, what only helps to move about is not."""
    async with network.visitor(color_scheme="dark") as page:
        await page.goto("/")
        await page.emulate_media(media="print")
        colours = await page.evaluate("() => { const s = getComputedStyle(document.body); return [s.color] }")
        assert colours == ["rgb(0, 0, 0)"]
        assert not await page.locator(".top").is_visible()
        assert await page.get_by_text("it might point at a person").is_visible()
        assert len(await page.pdf()) > 10_000


async def test_pictures_are_seen_in_forced_colours(network: Network) -> None:
    """They take the colours that a person has chosen: none of ours is left in them."""
    async with network.visitor(forced_colors="active", color_scheme="dark") as page:
        await page.goto("/")
        drawn = await page.evaluate(
            "() => [...document.querySelectorAll('.timeline circle, .timeline text, .bar .fill, .glyph circle')]"
            ".map(e => { const s = getComputedStyle(e); return [s.fill, s.stroke] })"
        )
        own = await page.evaluate(
            "() => ['--accent', '--safe', '--soft', '--line', '--on-accent', '--card']"
            ".map(name => getComputedStyle(document.documentElement).getPropertyValue(name))"
        )
        rgb = {f"rgb({int(one[1:3], 16)}, {int(one[3:5], 16)}, {int(one[5:7], 16)})" for one in own}
        assert len(drawn) > 20
        assert rgb.isdisjoint({colour for pair in drawn for colour in pair})


async def _loaded(page: Page, path: str) -> list[Response]:
    """All that comes with a page."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    await page.goto(path, wait_until="networkidle")
    return answers


async def test_the_first_view_is_small_and_every_answer_keeps_itself(network: Network) -> None:
    """At most 50 KiB of each page with all that it loads, compressed; the headers of every page on each answer."""
    for name, path in PAGES.items():
        network.allowed.append("404")
        async with network.visitor() as page:
            answers = await _loaded(page, path)
            sizes = [len(gzip.compress(await answer.body())) for answer in answers]
            assert sum(sizes) <= FIRST_VIEW_BYTES_MAX, name
            assert len(sizes) >= 2, name
            for answer in answers:
                assert HEADERS.items() <= (await answer.all_headers()).items(), answer.url


async def test_the_practice_network_says_so_on_every_page(network: Network) -> None:
    """And the live one on none."""
    for environment, wanted in ((MsgStatus.ACTUAL, 0), (MsgStatus.EXERCISE, 1)):
        network.open(environment, now=NOW)
        async with network.visitor() as page:
            async for name in every_page(network, page):
                if name != "missing":
                    assert await page.locator(".practice").count() == wanted, name


async def test_every_sentence_for_the_public_is_there_in_spanish(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the catalogue lacks is told by name; the page says which language it is in, and offers the other."""
    lacking = lacking_in_spanish(monkeypatch)
    async with network.visitor(locale="es-MX") as page:
        await page.goto("/")
        assert await page.locator("html").get_attribute("lang") == "es"
        assert await page.get_by_text("julio a septiembre de 2026").count() > 0
        await page.get_by_role("link", name="English").click()
        assert await page.locator("html").get_attribute("lang") == "en"
        network.allowed.append("404")
        await page.goto("/groups/none")
        assert await page.locator("html").get_attribute("lang") == "es"
    assert lacking == []


_CODE: Final = re.compile(r"<code\b.*?</code>", re.DOTALL)
_SAID: Final = re.compile(r'aria-label="([^"]*)"|>([^<]+)')
_SENTENCE: Final = re.compile(r"[a-z]{2,} [a-z]{2,}")


async def _sentences(session: aiohttp.ClientSession, url: str, language: str) -> set[str]:
    """What a page says in this language, labels too, each of two words at least: what is code is left out."""
    async with session.get(url, headers={"accept-language": f"{language}-US,fr;q=0.5"}) as answer:
        assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "accept-language"), url
        text = await answer.text()
    assert f'<html lang="{language}">' in text
    said = {unescape(label or words) for label, words in _SAID.findall(_CODE.sub("", text))}
    return {sentence for sentence in said if _SENTENCE.search(sentence)}


async def test_every_sentence_for_integrators_is_there_in_spanish(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each event, group, refusal: what the catalogue lacks is told by name, as is what never asked it."""
    lacking = lacking_in_spanish(monkeypatch)
    unasked: set[str] = set()
    events = [f"/events/{name}" for name in named_events()]
    groups = [f"/groups/{code}" for code in groups_with_model()]
    async with aiohttp.ClientSession(base_url=network.base) as session:
        for environment in (MsgStatus.ACTUAL, MsgStatus.EXERCISE):
            network.open(environment)
            for path in ("/events", "/errors", "/start", "/practice", "/groups/none", *events, *groups):
                english, spanish = [await _sentences(session, path, language) for language in LANGUAGES]
                unasked |= english & spanish
    assert unasked | set(lacking) == set()


async def test_a_reader_keeps_the_language_that_was_chosen(network: Network) -> None:
    """From page to page, to the place in it, and back: the address says it, nothing is kept in the browser."""
    async with network.visitor() as page:
        await page.goto("/events/referral.requested")
        await page.get_by_role("link", name="Español").click()
        await page.get_by_role("link", name="Práctica").click()
        await page.get_by_role("link", name="WRONG_ENVIRONMENT").first.click()
        await page.wait_for_url("**/errors?language=es#WRONG_ENVIRONMENT")
        assert await page.get_by_text("Los ejercicios y el tráfico real no se mezclan.").is_visible()
        await page.get_by_role("link", name="English").click()
        assert await page.get_by_text("Drill and live traffic do not mix.").is_visible()
        network.allowed.append("404")
        await page.goto("/groups/none?language=es")
        await page.get_by_role("link", name="Sobre esta red").click()
        assert await page.locator("html").get_attribute("lang") == "es"


def test_where_there_is_no_sentence_nothing_is_said() -> None:
    """Gettext's answer to it is the heading of the catalogue, which no page is to show."""

    def said(language: str) -> str:
        speak(language)
        return _("")

    assert [copy_context().run(said, language) for language in LANGUAGES] == ["", ""]


def test_every_refusal_has_its_advice_in_spanish() -> None:
    """Of an event, and of a request to either door: what it means and what to do."""
    told = [*ADVICE.values(), *AGENCIES.advice.values(), *PROVIDERS.advice.values()]
    said = {sentence for advice in told for sentence in (advice.meaning, advice.remedy)}
    assert said - translated(CATALOGUES / "es" / "LC_MESSAGES" / "handoff.po") == set()


def test_every_word_that_a_rule_can_need_is_there_in_spanish() -> None:
    """Whatever pack is in force: organisations, kinds of help, urgencies, steps, bases, groups."""
    said = {group.label for group in GROUPS.values()}
    for words in (ORGANISATIONS, KINDS, URGENCIES, STEPS, BASIS_WORDS, FEEDBACK_WORDS):
        said |= set(words.values())
    assert said - translated(CATALOGUES / "es" / "LC_MESSAGES" / "handoff.po") == set()
