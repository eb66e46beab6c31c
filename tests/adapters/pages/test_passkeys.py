"""Passkeys in a real browser with a virtual device: made by a link, used, several for each, given up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from playwright.async_api import CDPSession, Page, Request, expect

from adapters.inbox.web.entry import TABLES
from adapters.inbox.web.roles import StaffRole
from broker import limits
from broker.entry.passkeys import Passkeys
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import BROOK, House
from tests.browsing import FROM_HERE

Form = dict[str, str | float | bool]


class Device:
    """A person's device, as Chromium's own virtual authenticator."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._id = ""

    async def plug_in(self, *, verified: bool = True) -> None:
        """A fresh device that unlocks for its person, or does not."""
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
        }
        made = await self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = made["authenticatorId"]

    async def unlocks(self, *, verified: bool) -> None:
        """Whether its person is the one who holds it from now on."""
        await self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": verified})

    async def put_away(self) -> None:
        """The device is not at hand any more."""
        await self._session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self._id})


@asynccontextmanager
async def somebody(house: House, *, verified: bool = True) -> AsyncIterator[tuple[Page, Device]]:
    """A browser and its device."""
    if "127.0.0.1" in house.base:
        house.named()
    async with house.visitor() as page:
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        device = Device(session)
        await device.plug_in(verified=verified)
        yield page, device


async def make_first(page: Page, house: House, role: StaffRole = StaffRole.STAFF) -> None:
    """Make a first passkey by a link; ends at the list."""
    await page.goto(await house.passkey_link(HAVEN, role))
    await page.get_by_role("button", name="Make a passkey").click()
    await page.wait_for_url(house.base + "/")


async def sign_in(page: Page, house: House) -> None:
    """Sign in by the passkey that the device has."""
    await page.goto("/sign-in")
    await page.get_by_role("button", name="With a passkey").click()
    await page.wait_for_url(house.base + "/")


async def accounts(house: House) -> list[tuple[str, str]]:
    """Every session's account and role, the oldest first."""
    rows = await house.desk.pool.fetch("SELECT account_id, role FROM staff_session ORDER BY began_at")
    return [(row["account_id"], row["role"]) for row in rows]


async def test_a_passkey_is_made_by_a_link_and_signs_in_from_then_on(house: House) -> None:
    """As the link's role, under one account, without a name; the link is used up by making, not by looking."""
    async with somebody(house) as (page, _device):
        link = await house.passkey_link(HAVEN, StaffRole.SUPERVISOR)
        for _ in range(2):
            await page.goto(link)
            await expect(page.get_by_role("heading", level=1)).to_have_text("Make a passkey")
        await page.get_by_role("button", name="Make a passkey").click()
        await page.wait_for_url(house.base + "/")
        house.allowed.append("410")
        await page.goto(link)
        await expect(page.get_by_role("heading")).to_have_text("This sign-in link does not work any more")
        await page.goto("/")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/signed-out")
        await sign_in(page, house)
        await expect(page.get_by_text("· supervisor")).to_be_visible()
    [first, second] = await accounts(house)
    assert first == second
    [row] = await house.desk.pool.fetch("SELECT * FROM staff_passkey")
    assert (row["org_id"], row["role"]) == (HAVEN, "SUPERVISOR")
    assert row["sign_count"] > 0


async def test_a_device_that_does_not_verify_its_person_opens_nothing(house: House) -> None:
    """Neither makes a passkey nor signs in by one: whoever picks a device up is not its person."""
    async with somebody(house, verified=False) as (page, device):
        await page.goto(await house.passkey_link(HAVEN))
        await page.get_by_role("button", name="Make a passkey").click()
        await expect(page.get_by_text("That did not work, and nothing was stored.")).to_be_visible()
        assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_passkey") == 0
        await device.unlocks(verified=True)
        await make_first(page, house)
        await page.get_by_role("button", name="Sign out").click()
        await device.unlocks(verified=False)
        await page.goto("/sign-in")
        await page.get_by_role("button", name="With a passkey").click()
        await expect(page.get_by_text("That did not work, and nothing was stored.")).to_be_visible()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 0


async def test_what_the_browser_was_not_made_to_verify_is_refused_here(house: House) -> None:
    """A page that asked for less (`discouraged`) gets a passkey's answer, and no session for it."""
    house.allowed.append("403")
    async with somebody(house) as (page, device):
        await make_first(page, house)
        await page.context.clear_cookies()
        await device.unlocks(verified=False)

        async def weaken(route: Any) -> None:
            answer = await route.fetch()
            told = (await answer.text()).replace('"userVerification": "required"', '"userVerification": "discouraged"')
            assert "discouraged" in told
            await route.fulfill(response=answer, body=told)

        await page.route("**/sign-in/passkey/options", weaken)
        await page.goto("/sign-in")
        async with page.expect_response("**/sign-in/passkey") as answered:
            await page.get_by_role("button", name="With a passkey").click()
        assert (await answered.value).status == 403


async def test_one_person_has_several_and_gives_one_up(house: House) -> None:
    """A second device by whoever has just signed in; what the lost one began is signed out at once."""
    async with somebody(house) as (lost, device), somebody(house) as (page, other):
        await make_first(lost, house)
        await lost.goto("/passkeys")
        assert await lost.get_by_role("row").count() == 2, "its head, and one"
        await device.put_away()
        await device.plug_in()
        await lost.get_by_role("button", name="Make a passkey").click()
        await expect(lost.get_by_role("row")).to_have_count(3)
        [cookie] = [one for one in await lost.context.cookies() if one["name"] == "session"]
        await other.put_away()
        await page.context.add_cookies([{"name": "session", "value": cookie["value"], "url": house.base}])
        await page.goto("/passkeys")
        await page.get_by_role("button", name="Take it out of use").first.click()
        await page.wait_for_url("**/signed-out")
        await lost.goto("/")
        await lost.wait_for_url("**/signed-out")
        await sign_in(lost, house)
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_passkey WHERE revoked_at IS NULL") == 1


async def test_a_passkey_out_of_use_signs_nobody_in(house: House) -> None:
    """The device still has it; these pages do not. Another organisation cannot take it out of use."""
    house.allowed.append("403")
    async with somebody(house) as (page, _device):
        await make_first(page, house)
        passkeys = Passkeys(house.desk.pool, TABLES, StaffRole, house.site)
        [key] = await passkeys.listed(HAVEN)
        assert await passkeys.listed(BROOK) == []
        assert not await passkeys.revoke(BROOK, key.passkey_id, house.clock())
        assert await passkeys.revoke(HAVEN, key.passkey_id, house.clock())
        assert not await passkeys.revoke(HAVEN, key.passkey_id, house.clock())
        await page.goto("/sign-in")
        await page.get_by_role("button", name="With a passkey").click()
        await expect(page.get_by_text("That did not work, and nothing was stored.")).to_be_visible()


async def test_an_answer_of_a_device_counts_once(house: House) -> None:
    """What was sent is sent again, with its cookie and with a fresh one: nobody comes in."""
    sent: list[Request] = []
    async with somebody(house) as (page, _device):
        await make_first(page, house)
        page.on("request", lambda one: sent.append(one) if one.url.endswith("/sign-in/passkey") else None)
        await sign_in(page, house)
        [request] = sent
        credential: Form = dict(request.post_data_json or {})
        assert credential
        old = (await request.all_headers())["cookie"]
        again = await page.context.request.post(
            "/sign-in/passkey", form=credential, headers={**FROM_HERE, "cookie": old}
        )
        await page.context.request.post("/sign-in/passkey/options", form={}, headers=FROM_HERE)
        fresh = await page.context.request.post("/sign-in/passkey", form=credential, headers=FROM_HERE)
        assert (again.status, fresh.status) == (403, 403)
        await page.context.clear_cookies()


async def test_a_screen_that_was_left_open_makes_no_passkey(house: House) -> None:
    """A passkey outlives the session: only whoever has just signed in makes another one."""
    async with somebody(house) as (page, _device):
        await make_first(page, house)
        house.ahead = timedelta(minutes=limits.passkey_fresh_minutes, seconds=1)
        await page.goto("/passkeys")
        await expect(page.get_by_text("For a new one, sign in again first")).to_be_visible()
        forged = await page.context.request.post("/passkeys/options", form={}, headers=FROM_HERE)
        assert forged.status == 403


async def test_what_was_begun_by_one_is_ended_by_nobody_else(house: House) -> None:
    """What a signed-in person began makes no first passkey, and a link for a passkey signs nobody in by itself."""
    house.allowed.append("403")
    async with somebody(house) as (page, _device):
        await make_first(page, house)
        await page.goto("/passkeys")
        await page.context.request.post("/passkeys/options", form={}, headers=FROM_HERE)
        form: Form = {"credential": "{}"}
        assert (await page.context.request.post("/sign-in/first", form=form, headers=FROM_HERE)).status == 403
        link: Form = {"link": (await house.passkey_link(HAVEN)).rpartition("/")[2]}
        used = await page.context.request.post("/sign-in", form=link, headers=FROM_HERE, max_redirects=0)
        assert used.status == 410
        await page.context.clear_cookies()
