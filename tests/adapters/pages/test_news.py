"""What an open page learns by itself: a number, soon, at the price of one question for all of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
from playwright.async_api import expect

from adapters.inbox.web.roles import StaffRole
from adapters.inbox.web.waiting import offers_waiting
from adapters.standing import Standing
from broker import limits
from broker.entry.accounts import Account, new_account_id
from broker.look.counts import Counts
from broker.schemas.vocabulary import DeclineReason
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import BROOK, House

PAGES: Final = 500
_PATIENCE_SECONDS: Final = 60.0


async def test_new_referrals_are_counted_and_shown_when_they_are_asked_for(house: House) -> None:
    """Nothing moves under the finger: a line says how many, and its link shows them; another house's do not count."""
    first = await house.offered(HAVEN)
    async with house.person(HAVEN) as page, house.person(BROOK) as other:
        rows = page.locator("tbody tr")
        before = await rows.all_inner_texts()
        await house.offered(BROOK)
        second = await house.offered(HAVEN, priority="P0")
        await expect(page.get_by_text("1 new referral. Show them.")).to_be_visible()
        await house.offered(HAVEN, priority="P0")
        await expect(page.get_by_text("2 new referrals. Show them.")).to_be_visible()
        assert await rows.all_inner_texts() == before
        await house.inbox(HAVEN).decline(second, DeclineReason.NO_CAPACITY_BEDS)
        await expect(page.get_by_text("1 new referral. Show them.")).to_be_visible()
        await expect(other.get_by_text("1 new referral. Show them.")).to_be_visible()
        await page.get_by_role("link", name="Show them.").click()
        await expect(rows).to_have_count(2)
        assert await page.locator("#news").inner_text() == ""
        await house.inbox(HAVEN).decline(first, DeclineReason.NO_CAPACITY_BEDS)


async def test_the_page_says_since_when_it_hears_nothing(house: House) -> None:
    """After some seconds of silence: as of when what it shows was true; and nothing more once it hears again."""
    async with house.visitor() as page:
        await page.clock.install()
        await page.goto(await house.link(HAVEN))
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(house.base + "/")
        await house.offered(HAVEN)
        await expect(page.get_by_text("1 new referral.")).to_be_visible()
        await page.clock.run_for(26_000)
        await expect(page.get_by_text("1 new referral. Not connected: as of ")).to_be_visible()
        await house.offered(HAVEN)
        await expect(page.locator("#news")).to_have_text("2 new referrals. Show them.")


async def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(house: House) -> None:
    """The stream is no touch; when the session has ended, asking again is told to ask no more."""
    async with house.person(HAVEN) as page:
        asked = page.context.request
        seen = await house.desk.pool.fetchval("SELECT seen_at FROM staff_session")
        await expect(page.locator("#news")).to_be_attached()
        await house.offered(HAVEN)
        await expect(page.get_by_text("1 new referral.")).to_be_visible()
        assert await house.desk.pool.fetchval("SELECT seen_at FROM staff_session") == seen
        house.ahead = timedelta(minutes=limits.session_idle_minutes, seconds=1)
        assert (await asked.get("/counts?since=0", max_redirects=0)).status == 204


async def test_what_is_sent_is_digits_and_nothing_else(house: House) -> None:
    """No id, no priority, no kind of help: `data:2`."""
    async with house.person(HAVEN) as page:
        for _ in range(2):
            await house.offered(HAVEN)
        await expect(page.get_by_text("2 new referrals.")).to_be_visible()
        [cookie] = await page.context.cookies()
        headers = {"cookie": f"session={cookie['value']}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(house.base + "/counts?since=0", headers=headers) as one,
        ):
            assert one.headers["content-type"].startswith("text/event-stream")
            assert await one.content.readuntil(b"\n\n") == b"data:2\n\n"
        for since in ("x", "-1", "99999999999999999", "1e3", ""):
            refused = await page.context.request.get(f"/counts?since={since}")
            assert refused.status == 400, since


async def test_an_offer_that_is_stored_late_is_counted_once_and_not_forgotten(house: House) -> None:
    """An offer's time is before it can be seen: a page that was shown in between is told of it all the same."""
    counts = Counts(offers_waiting(house.desk.pool))
    shown_at = datetime.now(UTC)
    numbers = counts.since(HAVEN, shown_at)
    assert await anext(numbers) == 0
    offer_id = await house.offered(HAVEN)
    await house.desk.pool.execute("UPDATE offer SET received_at = $1", shown_at - timedelta(seconds=5))
    assert await anext(numbers) == 1
    await house.desk.pool.execute("UPDATE offer SET standing = $1 WHERE offer_id = $2", Standing.EXPIRED, offer_id)
    assert await anext(numbers) == 0
    await numbers.aclose()  # type: ignore[attr-defined]


async def test_five_hundred_open_pages_all_hear_of_it(house: House) -> None:
    """By one look for all of them; how soon is measured by `make bench`."""
    now = datetime.now(UTC)
    account = Account(new_account_id(), HAVEN, StaffRole.STAFF)
    cookie = (await house.front.entry.sessions.begin(account, "en", now)).token
    ready = [asyncio.Event() for _ in range(PAGES)]

    async def page(session: aiohttp.ClientSession, number: int) -> None:
        url = f"{house.base}/counts?since={int(now.timestamp() * 1000)}"
        async with session.get(url, headers={"cookie": f"session={cookie}"}) as stream:
            assert await stream.content.readuntil(b"\n\n") == b"data:0\n\n"
            ready[number].set()
            while await stream.content.readuntil(b"\n\n") != b"data:1\n\n":
                pass

    connector = aiohttp.TCPConnector(limit=0)
    async with asyncio.timeout(_PATIENCE_SECONDS), aiohttp.ClientSession(connector=connector) as session:
        pages = [asyncio.create_task(page(session, number)) for number in range(PAGES)]
        await asyncio.gather(*(one.wait() for one in ready))
        await house.offered(HAVEN)
        await asyncio.gather(*pages)
