"""A form that lacks something comes back with what it lacks: nothing is lost, and nobody has to look for the field."""

import pytest
from playwright.async_api import Page, expect
from pydantic_core import from_json

from adapters.standing import Standing
from broker.schemas.ids import new_event_id
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import House
from tests.browsing import FROM_HERE

Form = dict[str, str | float | bool]
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])


async def leads_to(page: Page, told: str, label: str) -> None:
    """The summary stands first and has the focus; its link leads to the field, which says what is wrong with it."""
    summary = page.get_by_role("alert").first
    await expect(summary).to_be_focused()
    assert await page.locator("main > *").first.get_attribute("role") == "alert"
    field = page.get_by_label(label, exact=True)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(told)
    await summary.get_by_role("link", name=told).click()
    await expect(field).to_be_focused()


@SCRIPTS
async def test_a_no_without_its_reason_is_asked_for_it(house: House, scripts: bool) -> None:
    """The choice is kept, the reason is asked for where it is given, and then the no is stored once."""
    offer_id = await house.offered(HAVEN)
    house.allowed.append("400")
    async with house.person(HAVEN, java_script_enabled=scripts) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_label("No; somebody else is asked at once").check()
        async with page.expect_response("**/answer") as sent:
            await page.get_by_role("button", name="Send the answer").click()
        assert (await sent.value).status == 400
        await leads_to(page, "Choose why it is a no.", "If no: why")
        await expect(page.get_by_label("No; somebody else is asked at once")).to_be_checked()
        assert await page.get_by_text("You had chosen this and not sent it.").count() == 0
        await page.get_by_label("If no: why").select_option("NO_CAPACITY_BEDS")
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.locator(".standing")).to_contain_text("declined")
    rows = await house.desk.pool.fetch("SELECT value FROM answer")
    assert [from_json(row["value"])["reason"] for row in rows] == ["NO_CAPACITY_BEDS"]


@SCRIPTS
async def test_a_transfer_that_failed_without_a_reason_is_asked_for_it(house: House, scripts: bool) -> None:
    """The same at the live transfer, where somebody is in a hurry."""
    offer_id = await house.offered(HAVEN, Standing.ACCEPTED)
    house.allowed.append("400")
    async with house.person(HAVEN, java_script_enabled=scripts) as page:
        await page.goto(f"/offers/{offer_id}/handoff")
        await page.get_by_label("It did not come about").check()
        await page.get_by_role("button", name="Store it").click()
        await leads_to(page, "Choose why it did not come about.", "If not: why")
        await expect(page.get_by_label("It did not come about")).to_be_checked()
        await page.get_by_label("If not: why").select_option("NOBODY_FREE")
        await page.get_by_role("button", name="Store it").click()
        await expect(page.get_by_text("contact pending").first).to_be_visible()


async def test_every_other_form_says_what_it_lacks_on_its_own_page(house: House) -> None:
    """How it goes on, free places, the roster: 400, the same page, what was right is kept, nothing is stored."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    waiting = await house.offered(HAVEN)
    turn = {"role": "SUPERVISOR", "starts": "2031-12-01T09:00", "hours": "9", "number": "555"}
    async with house.person(HAVEN) as page:
        for path, form, heading, told in (
            (f"/offers/{offer_id}/progress", {"key": new_event_id()}, "How it goes on", "Choose what happened."),
            (f"/offers/{waiting}/answer", {"key": new_event_id()}, "Your answer", "Choose your answer."),
            ("/capacity", {"service": "EMERGENCY_SHELTER", "unit": "CRIB"}, "Free places", "Press how many"),
            ("/roster", turn, "On call", "Write the number with its country"),
        ):
            sent: Form = {**form}
            answer = await page.context.request.post(path, form=sent, headers=FROM_HERE)
            text = await answer.text()
            assert answer.status == 400, path
            assert text.index('role="alert"') < text.index("<h1"), path
            assert heading in text, path
            assert told in text, path
        assert 'value="9"' in text
        assert '<option value="SUPERVISOR" selected>' in text
        bare: Form = {"key": new_event_id()}
        other = await page.context.request.post(f"/offers/{waiting}/progress", form=bare, headers=FROM_HERE)
        assert other.status == 400, "an offer that has no such form shows none"
        assert "Nothing was stored" in await other.text()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM answer") == 0
    assert await house.desk.pool.fetchval("SELECT count(*) FROM on_call") == 0
