"""Sessions: in by a link that works once, out at once, over after a quarter of an hour and after a shift."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from adapters.inbox.web.entry import staff_links
from adapters.inbox.web.roles import StaffRole
from broker import limits
from broker.entry.links import LinkPurpose
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import Installation, Run
from tests.adapters.pages.house import House
from tests.conftest import KafkaForTest


async def is_signed_in(page: Page) -> bool:
    """Whether the list is still shown."""
    answer = await page.context.request.get("/", max_redirects=0)
    assert answer.status == 200 or answer.headers["location"] == "/signed-out"
    return answer.status == 200


async def test_a_link_works_once_and_looking_at_it_uses_nothing_up(house: House) -> None:
    """A program that fetches it signs nobody in; the second person is told to ask for another."""
    link = await house.link(HAVEN)
    house.allowed.append("410")
    async with house.visitor() as page:
        for _ in range(2):
            await page.goto(link)
            await expect(page.get_by_role("heading")).to_have_text("Before you sign in")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(house.base + "/")
    async with house.visitor() as page:
        await page.goto(link)
        await expect(page.get_by_role("heading")).to_have_text("This sign-in link does not work any more")
    rows = await house.desk.pool.fetch("SELECT t.*::text FROM sign_in_link t")
    assert link.rpartition("/")[2] not in str(rows), "the link rests as a hash"


async def test_a_link_is_over_after_its_minutes(house: House) -> None:
    """A slip of paper that is found the next day signs nobody in."""
    link = await house.link(HAVEN)
    house.ahead = timedelta(minutes=limits.sign_in_link_minutes, seconds=1)
    links = staff_links(house.desk.pool, allowed=True)
    assert await links.use(link.rpartition("/")[2], LinkPurpose.SIGN_IN, house.clock()) is None


async def test_a_session_ends_when_nobody_touches_it_and_after_a_shift(house: House) -> None:
    """A quarter of an hour idle; twelve hours, however busy."""
    idle, step = timedelta(minutes=limits.session_idle_minutes), timedelta(minutes=14)
    async with house.person(HAVEN) as page:
        while house.ahead + step < timedelta(hours=limits.session_hours_max):
            house.ahead += step
            assert await is_signed_in(page), house.ahead
        house.ahead += step
        assert not await is_signed_in(page), "a shift is over"
    house.ahead = timedelta(0)
    async with house.person(HAVEN) as page:
        house.ahead = idle + timedelta(seconds=1)
        assert not await is_signed_in(page), "nobody has touched it"


@pytest.mark.parametrize("how", ["click", "shift", "no script", "sign out"])
async def test_leaving_ends_the_session_at_once(house: House, how: str) -> None:
    """By the button, by Shift three times, without scripts, and at a shift's end; a copied cookie is worth nothing."""
    await house.offered(HAVEN)
    async with house.person(HAVEN, java_script_enabled=how != "no script") as page:
        [cookie] = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        if how == "shift":
            for _ in range(3):
                await page.keyboard.press("Shift")
        elif how == "sign out":
            await page.get_by_role("button", name="Sign out").click()
        else:
            await page.get_by_role("link", name="Exit this page").click()
        await page.wait_for_url(house.base + "/signed-out")
        await page.context.add_cookies([{"name": "session", "value": cookie["value"], "url": house.base}])
        assert not await is_signed_in(page)


@pytest.mark.parametrize(
    ("path", "title"),
    [("/offers/x", "There is no such page here"), ("/nothing", "There is no such page here"), ("/stay", "This is not")],
)
async def test_a_page_that_refuses_is_left_as_quickly(house: House, path: str, title: str) -> None:
    """By Shift three times from a page about what is not there, too; whoever is signed in finds all of it there."""
    house.allowed.extend(("404", "405"))
    async with house.person(HAVEN) as page:
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        for _ in range(3):
            await page.keyboard.press("Shift")
        await page.wait_for_url(house.base + "/signed-out")
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 0


async def test_back_after_leaving_shows_nothing(house: House) -> None:
    """The way back leads to the page that says that nobody is signed in."""
    await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        await page.get_by_role("table").get_by_role("link").click()
        await page.wait_for_url("**/offers/*")
        await page.get_by_role("link", name="Exit this page").click()
        await page.wait_for_url(house.base + "/signed-out")
        await page.go_back()
        await expect(page.get_by_role("heading")).to_have_text("You are signed out")


async def test_the_page_asks_before_it_closes_and_closes_by_itself(house: House) -> None:
    """At 13 minutes a dialog that holds the focus and is answered by one key; at 15 the screen is blank."""
    async with house.visitor() as page:
        await page.clock.install()
        await page.goto(await house.link(HAVEN))
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(house.base + "/")
        await page.clock.run_for(limits.session_warning_minutes * 60_000 + 2000)
        stay = page.get_by_role("button", name="Stay signed in")
        await expect(stay).to_be_focused()
        async with page.expect_response("**/stay") as answered:
            await page.keyboard.press("Enter")
        assert (await answered.value).status == 204
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.context.set_offline(True)
        house.allowed.append("ERR_INTERNET_DISCONNECTED")
        await page.clock.run_for(limits.session_idle_minutes * 60_000 + 2000)
        assert await page.locator("body").count() == 0 or not await page.locator("main").is_visible()
        await page.context.set_offline(False)


@pytest.mark.asyncio(loop_scope="function")
async def test_the_command_prints_a_link_for_one_role(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """`handoff inbox sign-in-link --role supervisor`: where the pages are, and what whoever signs in may do."""
    org = await installation.serve(kafka.org("haven"))
    done = await run("sign-in-link", "--org", org, "--role", "supervisor")
    assert done.exit_code == 0
    link = done.stdout.split()[0]
    assert link.startswith("http://127.0.0.1:8090/sign-in/")
    now = await installation.pool.fetchval("SELECT clock_timestamp()")
    links = staff_links(installation.pool, allowed=True)
    account = await links.use(link.rpartition("/")[2], LinkPurpose.SIGN_IN, now)
    assert account is not None
    assert (account.org, account.role) == (org, StaffRole.SUPERVISOR)
