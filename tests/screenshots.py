"""Pictures of every page for docs/pages, of invented people alone: `make screenshots`. Tests check; this is to see."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Page

from adapters.standing import Standing
from broker.web.desk.roles import DeskRole
from broker.web.pages.public import Contacts
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.conftest import browser as browser
from tests.adapters.pages.conftest import empty_zone as empty_zone
from tests.adapters.pages.conftest import house as house
from tests.adapters.pages.house import House
from tests.web.audit.conftest import Audited
from tests.web.audit.conftest import audited as audited
from tests.web.audit.conftest import read_by_all as read_by_all
from tests.web.audit.conftest import sealed as sealed
from tests.web.desk.conftest import broker_tables as broker_tables
from tests.web.desk.conftest import office as office
from tests.web.desk.conftest import office_database as office_database
from tests.web.desk.office import Office
from tests.web.desk.states import filled
from tests.web.pages.conftest import empty_network as empty_network
from tests.web.pages.conftest import network as network
from tests.web.pages.conftest import pool as pool
from tests.web.pages.network import Network

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pages"
LOOKS: Final = ((320, "light"), (768, "dark"), (1280, "light"))
"""Widths and themes: the two do not depend on each other, so that not every pair is needed."""
HEIGHTS: Final = {320: 900, 768: 1000, 1280: 1000}
COLOURS: Final = 16
"""Of a picture: the pages have few, and a picture of few colours has some ten kilobytes."""

NETWORK: Final = {
    "public": ("/", 0),
    "public-figures": ("/", "#figures"),
    "public-rules": ("/", "#rules"),
    "events": ("/events", 0),
    "event": ("/events/referral.requested", 0),
    "errors": ("/errors", 0),
    "start": ("/start", 0),
    "practice": ("/practice", 0),
}


async def _taken(page: Page, name: str, width: int, scheme: str) -> None:
    shot = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
    small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(FOLDER / f"{name}-{width}-{scheme}.png", optimize=True)


async def test_of_the_network(network: Network) -> None:
    """What the public and integrators see."""
    network.open(contacts=Contacts("Lakeside County", "+1 555 555 0100", "+1 555 555 0101, day and night"))
    for width, scheme in LOOKS:
        async with network.visitor(**_screen(width, scheme)) as page:
            for name, (path, place) in NETWORK.items():
                await page.goto(path)
                if place:
                    await page.locator(str(place)).evaluate("e => { e.scrollIntoView(); scrollBy(0, -90) }")
                await _taken(page, name, width, scheme)


async def test_of_the_inbox(house: House) -> None:
    """What a provider's people see."""
    waiting = await house.offered(HAVEN, due=timedelta(minutes=12), priority="P0")
    await house.offered(HAVEN, due=timedelta(minutes=44))
    await house.offered(HAVEN, Standing.WAITLISTED, due=timedelta(hours=3), priority="P2")
    taken = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, taken)
    for width, scheme in LOOKS:
        async with house.person(HAVEN, **_screen(width, scheme)) as page:
            async for name in _inbox(page, waiting, taken):
                await _taken(page, f"inbox-{name}", width, scheme)


async def test_of_the_desk(office: Office) -> None:
    """What the network's own people see."""
    item, record = await filled(office)
    pages = {
        "overview": "/",
        "work": "/worklist",
        "item": f"/worklist/{item}",
        "quarantine": "/quarantine",
        "record": record,
        "discard": f"{record}/discard",
        "overdue": "/overdue",
        "unreached": "/unreached",
    }
    for width, scheme in LOOKS:
        async with office.person(DeskRole.OPERATOR, **_screen(width, scheme)) as page:
            for name, path in pages.items():
                await page.goto(path)
                if name == "item":
                    await page.locator("main form button").first.click()
                    await page.locator("#decide, #over").first.wait_for()
                await _taken(page, f"desk-{name}", width, scheme)
            await office.pool.execute("UPDATE work_item SET claimed_until = NULL WHERE work_id = $1", item)


async def _inbox(page: Page, waiting: str, taken: str) -> AsyncIterator[str]:
    yield "list"
    await page.goto(f"/offers/{waiting}")
    yield "offer"
    await page.goto(f"/offers/{taken}")
    await page.locator("form[action$=opened] button").click()
    yield "opened"


async def test_of_an_auditor(audited: Audited) -> None:
    """What went where, why, and whether the log holds."""
    told = audited.told
    for width, scheme in LOOKS:
        async with audited.office.person(DeskRole.AUDITOR, **_screen(width, scheme)) as page:
            for name, path in (
                ("find", "/audit"),
                ("story", f"/audit/referrals/{told.served}"),
                ("ledger", f"/audit/referrals/{told.recalled}/disclosures"),
                ("log", "/audit/log"),
            ):
                await page.goto(path)
                await _taken(page, f"audit-{name}", width, scheme)


def _screen(width: int, scheme: str) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": HEIGHTS[width]}, "color_scheme": scheme}
