"""Who opened what was released: seen by supervisors and privacy officers, of their own house alone."""

import json

import pytest
from playwright.async_api import Page, expect

from adapters.inbox import shell
from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from broker.schemas.ids import OfferId
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import BROOK, House


async def _opened_by(page: Page, offer_id: OfferId, *, contact: bool = False) -> None:
    await page.goto(f"/offers/{offer_id}")
    await page.get_by_role("button", name="Open what was released").click()
    if contact:
        await page.get_by_role("button", name="Show contact details").click()


async def test_each_opening_is_there_with_who_opened(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Two of one role are told apart; what was shown of contact is said; the shell says the same."""
    first = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    second = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    for offer_id in (first, second):
        await house.release(HAVEN, offer_id)
    async with house.person(HAVEN) as one, house.person(HAVEN) as other:
        await _opened_by(one, first)
        await _opened_by(other, first, contact=True)
        await _opened_by(other, second)
    accounts = {row["account"] for row in await house.desk.pool.fetch("SELECT account FROM reading")}
    assert len(accounts) == 2
    async with house.person(HAVEN, StaffRole.PRIVACY_OFFICER) as page:
        await page.get_by_role("link", name="Who opened what").click()
        rows = page.locator("table.readings tbody tr")
        await expect(rows).to_have_count(4)
        told = await rows.all_inner_texts()
        assert [account in row for row, account in zip(told, accounts, strict=False)].count(True) >= 1
        assert [("contact details shown" in row) for row in told] == [False, True, False, False]
        await page.goto(f"/readings?offer={second}")
        await expect(rows).to_have_count(1)
    inbox = house.inbox(HAVEN)
    await shell.show_readings(inbox, first, everything=False, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert [one["contactShown"] for one in printed] == [True, False, False]
    assert {one["account"] for one in printed} == accounts
    await shell.show_readings(inbox, None, everything=True, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 4


async def test_it_is_nobody_elses(house: House) -> None:
    """Staff do not watch each other, and another house's openings are not there, asked for by offer or not."""
    house.allowed.extend(("403", "404"))
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id)
    async with house.person(HAVEN) as page:
        await _opened_by(page, offer_id)
        assert await page.get_by_role("link", name="Who opened what").count() == 0
        answer = await page.goto("/readings")
        assert answer is not None
        assert answer.status == 403
    async with house.person(BROOK, StaffRole.SUPERVISOR) as page:
        await page.goto("/readings")
        await expect(page.get_by_text("Nobody has opened anything yet.")).to_be_visible()
        for named in (offer_id, "off-x"):
            answer = await page.goto(f"/readings?offer={named}")
            assert answer is not None
            assert answer.status == 404
