"""Every page of an auditor in every state that it can be in, one after the other."""

from collections.abc import AsyncIterator
from typing import Final

from playwright.async_api import Page

from tests.domain.cast import HOTLINE
from tests.web.audit.conftest import Audited

EXPECTED: Final = ("400", "404")
"""What the browser's console says of pages that refuse."""


async def every_page(audited: Audited, page: Page) -> AsyncIterator[str]:
    """Shows one page after the other, by its name; somebody is signed in."""
    audited.office.allowed.extend(EXPECTED)
    told = audited.told
    for name, path in (
        ("find", "/audit"),
        ("story", f"/audit/referrals/{told.served}"),
        ("story in full", f"/audit/referrals/{told.recalled}?view=full"),
        ("ledger", f"/audit/referrals/{told.recalled}/disclosures"),
        ("deliveries", f"/audit/referrals/{told.undelivered}/deliveries"),
        ("accounting, asked", "/audit/reports/accounting"),
        ("not there", "/audit/reports/people"),
    ):
        await page.goto(path)
        yield name
    async for name in _searched(page):
        yield name
    async for name in _answered(page):
        yield name
    async for name in _of_the_log(audited, page):
        yield name
    torn = "UPDATE trail_entry SET preimage = 'torn'::bytea WHERE kind = 'offers.made' AND referral_id = '{}'"
    await audited.trail.as_superuser(torn.format(told.recalled))
    for name, path in (("altered", ""), ("altered ledger", "/disclosures")):
        await page.goto(f"/audit/referrals/{told.recalled}{path}")
        yield name


async def _searched(page: Page) -> AsyncIterator[str]:
    await page.goto("/audit")
    await page.locator("#reference").fill("not a reference")
    await page.locator("form button").first.click()
    yield "not a reference"
    for name, since in (("found", ""), ("found none", "2020-01-01")):
        await page.goto("/audit")
        await page.locator("#org").select_option(HOTLINE.org)
        if since:
            await page.locator("#since").fill(since)
            await page.locator("#through").fill(since)
        await page.locator("form").nth(1).locator("button").click()
        yield name


async def _answered(page: Page) -> AsyncIterator[str]:
    for name in ("reads", "overdue", "emergencies"):
        await page.goto(f"/audit/reports/{name}")
        await page.locator("button[value=page]").click()
        yield name


async def _of_the_log(audited: Audited, page: Page) -> AsyncIterator[str]:
    note = await audited.office.pool.fetchval("SELECT note FROM log_checkpoint ORDER BY seq LIMIT 1")
    await page.goto("/audit/log")
    await page.locator("summary").first.click()
    yield "log"
    await page.locator("#checkpoint").fill(note)
    await page.locator("form[action$=held] button").click()
    yield "held checkpoint"
    await page.locator("#index").fill("3")
    await page.locator("form[action$=entry] button").click()
    yield "place in the log"
