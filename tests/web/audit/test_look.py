"""The auditor's pages are for everybody: by axe, by keyboard, narrow, on paper, without scripts, in Spanish."""

import gzip
from collections.abc import Sequence
from typing import Any, Final

import pytest
from playwright.async_api import Response, expect

from broker import telling
from broker.domain.reasons import WORDS
from broker.domain.rules import RULES
from broker.look.guard import HEADERS
from broker.web.audit.reports import REPORTS
from broker.web.audit.sheet import COLUMNS, OUTCOMES
from broker.web.desk.roles import DeskRole
from tests.adapters.pages.catalogue import LANGUAGES, translated
from tests.adapters.pages.test_look import FIRST_VIEW_BYTES_MAX, is_for_everybody, walked
from tests.browsing import lacking_in_spanish
from tests.web.audit.conftest import Audited
from tests.web.audit.states import every_page

ALIKE: Final = (
    "not there",
    "not a reference",
    "found none",
    "overdue",
    "emergencies",
    "held checkpoint",
    "altered ledger",
)
"""Wide, these show nothing that others do not."""
AWAY_ON_PAPER: Final = (".top", "form", "nav.desk", "footer", "dialog")


@pytest.mark.parametrize(("width", "scheme", "left_out"), [(320, "dark", ()), (1280, "light", ALIKE)])
async def test_every_page_is_for_everybody(tampered: Audited, width: int, scheme: Any, left_out: Sequence[str]) -> None:
    """No finding of axe, none that it leaves open; nothing wider than the screen; primary targets of 44 pixels."""
    size: Any = {"width": width, "height": 640}
    async with tampered.office.person(DeskRole.AUDITOR, viewport=size, color_scheme=scheme) as page:
        async for name in every_page(tampered, page):
            if name not in left_out:
                await is_for_everybody(page, width, name)


async def test_in_spanish_without_scripts_and_on_paper(tampered: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read and asked without any script, in Spanish to the last sentence: what the catalogue lacks is
    told by name. Printed, there is what was read, by whom and when, and no button."""
    lacking = lacking_in_spanish(monkeypatch)
    async with tampered.office.person(DeskRole.PRIVACY_OFFICER, locale="es-MX", java_script_enabled=False) as page:
        async for name in every_page(tampered, page):
            assert await page.locator("html").get_attribute("lang") == "es", name
            assert await page.locator("h1:visible").count() == 1, name
            await page.emulate_media(media="print")
            for away in AWAY_ON_PAPER:
                assert await page.locator(f"{away}:visible").count() == 0, (name, away)
            if name in ("story", "ledger", "found", "reads", "log"):
                printed = page.locator(".printed:visible")
                await expect(printed).to_contain_text("Impreso por role:privacy-officer-")
                await expect(printed).to_contain_text("(UTC). Copia: destrúyala después de usarla.")
            await page.emulate_media(media="screen")
    assert sorted(set(lacking)) == []


@pytest.mark.parametrize(
    ("path", "reaches"),
    [("/audit", "reference"), ("/audit/log", "checkpoint")],
)
async def test_every_page_is_walked_by_keyboard(audited: Audited, path: str, reaches: str) -> None:
    """From the skip link past the way out to what the page is for, and out of it again: nothing holds the focus."""
    async with audited.office.person(DeskRole.AUDITOR, viewport={"width": 320, "height": 640}) as page:
        await page.goto(path)
        order = await walked(page)
        assert order[0] == "Skip to the content"
        assert {"exit", reaches, "Sign out"} <= set(order), order


async def test_the_first_view_is_small_and_every_answer_keeps_itself(audited: Audited) -> None:
    """A whole story with all that it loads, compressed: at most 50 KiB; the headers of every page on each answer."""
    answers: list[Response] = []
    async with audited.office.person(DeskRole.AUDITOR) as page:
        page.on("response", lambda answer: answers.append(answer))
        await page.goto(f"/audit/referrals/{audited.told.served}?view=full", wait_until="networkidle")
        sizes = [len(gzip.compress(await answer.body())) for answer in answers]
        for answer in answers:
            assert HEADERS.items() <= (await answer.all_headers()).items(), answer.url
    assert len(sizes) >= 4, "the page, its style, its scripts"
    assert sum(sizes) <= FIRST_VIEW_BYTES_MAX


def test_every_word_that_a_trail_can_need_is_there_in_spanish() -> None:
    """Steps, reasons, rules, outcomes, columns and reports, whether or not a story of ours has them."""
    said = {*telling.STEPS.values(), *WORDS.values(), *COLUMNS.values(), *OUTCOMES.values()}
    said |= {rule.demands for rule in RULES} | {text for one in REPORTS.values() for text in (one.title, one.says)}
    assert said - translated(LANGUAGES / "es" / "LC_MESSAGES" / "handoff.po") == set()
