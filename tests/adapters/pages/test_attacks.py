"""What somebody tries who means harm: a planted cookie, another house's ids, markup, a link where none is taken."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from adapters.inbox.roster import Roster, Turn
from adapters.inbox.web.entry import staff_links
from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from broker.entry.errors import LinksNotAllowed
from broker.entry.links import LinkPurpose
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.ids import new_event_id
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import CapacityBucket, Service
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import GROUPS, Installation, Run
from tests.adapters.pages.house import BROOK, House
from tests.browsing import FROM_HERE
from tests.conftest import KafkaForTest

Form = dict[str, str | float | bool]
NUMBER = "+15555550166"


async def test_a_cookie_that_was_set_beforehand_is_never_signed_in(house: House) -> None:
    """Whoever planted it, or saw the one before, has nothing: every sign-in draws its own, and ends what was there."""
    planted = "x" * 43
    async with house.visitor() as page:
        await page.context.add_cookies([{"name": "session", "value": planted, "url": house.base}])
        seen = []
        for _ in range(2):
            await page.goto(await house.link(HAVEN))
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url(house.base + "/")
            seen += [one["value"] for one in await page.context.cookies() if one["name"] == "session"]
        assert len({planted, *seen}) == 3
        for worthless in (planted, seen[0]):
            await page.context.add_cookies([{"name": "session", "value": worthless, "url": house.base}])
            answer = await page.context.request.get("/", max_redirects=0)
            assert answer.headers["location"] == "/signed-out"
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 1


@pytest.mark.parametrize("role", StaffRole)
async def test_what_belongs_to_a_house_is_shown_in_no_other(house: House, role: StaffRole) -> None:
    """Its free places, its roster and its numbers; and nobody strikes out another house's turn."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    turn = Turn(role=AcceptedBy.STAFF, starts_at=now, ends_at=now + timedelta(hours=8), number=NUMBER)
    await Roster(house.desk.pool, HAVEN).set(turn)
    await house.inbox(HAVEN).capacity(Service.EMERGENCY_SHELTER, CapacityUnit.CRIB, CapacityBucket.NONE)
    async with house.person(BROOK, role) as page:
        for path, empty in (("/roster", "Nobody is on call now."), ("/capacity", "Nothing was said yet")):
            await page.goto(path)
            await expect(page.get_by_text(empty)).to_be_visible()
            assert NUMBER not in await page.content()
        form: Form = {"role": "STAFF", "starts": f"{now:%Y-%m-%dT%H:%M}"}
        answer = await page.context.request.post("/roster/clear", form=form, headers=FROM_HERE)
        assert answer.status == (400 if role.decides else 403)
    assert await house.desk.pool.fetchval("SELECT count(*) FROM on_call") == 1


async def test_a_passkey_is_seen_and_given_up_by_its_own_person_alone(house: House) -> None:
    """Neither by a colleague nor by another house, whoever knows its id."""
    key = "key-0123456789abcdef"
    await house.desk.pool.execute(
        "INSERT INTO staff_passkey (passkey_id, credential_id, org_id, role, account_id, public_key, sign_count,"
        " made_at) VALUES ($1, 'x', $2, 'STAFF', 'acc-1', 'x', 0, clock_timestamp())",
        *(key, HAVEN),
    )
    for org in (HAVEN, BROOK):
        async with house.person(org) as page:
            await page.goto("/passkeys")
            assert key not in await page.content()
            form: Form = {"passkey": key}
            await page.context.request.post("/passkeys/revoke", form=form, headers=FROM_HERE)
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_passkey WHERE revoked_at IS NULL") == 1


async def test_an_organisation_in_a_form_is_refused(house: House) -> None:
    """Whose inbox it is, the session says and nothing else (S5)."""
    offer_id = await house.offered(HAVEN)
    async with house.person(BROOK) as page:
        for path, form in (
            (f"/offers/{offer_id}/answer", {"answer": "accept", "key": new_event_id(), "org": HAVEN}),
            ("/capacity", {"service": "EMERGENCY_SHELTER", "unit": "CRIB", "available": "0", "orgId": HAVEN}),
            ("/roster/clear", {"role": "STAFF", "starts": "2026-03-04T08:00", "org_id": HAVEN}),
            ("/passkeys/revoke", {"passkey": "key-0000000000000000", "account": "x"}),
            ("/stay", {"org": HAVEN}),
        ):
            sent: Form = dict(form)
            answer = await page.context.request.post(path, form=sent, headers=FROM_HERE, max_redirects=0)
            assert answer.status in (400, 404), path
        assert (await page.context.request.get("/?org=" + HAVEN)).status == 200
        await page.goto("/?org=" + HAVEN)
        await expect(page.get_by_text("Nothing waits.")).to_be_visible()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM answer") == 0


@pytest.mark.parametrize(
    ("alias", "shown"),
    [('{{ 7*7 }} " onmouseover="alert(1)', True), ("<img src=x onerror=alert(1)>", False)],
    ids=["text", "markup"],
)
async def test_what_was_released_is_text_and_nothing_of_it_runs(house: House, alias: str, shown: bool) -> None:
    """It is read as it was written; what holds markup is no content that was agreed on, and is not shown (S6)."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id, {**GROUPS, "FG04": {"alias": alias}})
    async with house.person(HAVEN) as page:
        page.on("dialog", lambda dialog: house.wrong.append(f"it ran: {dialog.message}"))
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_role("button", name="Open what was released").click()
        expected = alias if shown else "Cannot be opened here: call the worker named in the offer."
        await expect(page.get_by_text(expected)).to_be_visible()
        assert (alias in await page.inner_text("main")) == shown
        assert await page.locator("main img, main script, [onmouseover]").count() == 0


async def test_links_sign_nobody_in_where_people_are_real(house: House) -> None:
    """Neither a new one nor one from before; one for a passkey is taken, and signs nobody in by itself."""
    house.allowed.extend(("403", "410"))
    link = await house.link(HAVEN)
    house.links_allowed = False
    house.pages = house.application()
    async with house.visitor() as page:
        await page.goto(link)
        await expect(page.get_by_role("heading")).to_have_text("This sign-in link does not work any more")
        form: Form = {"link": link.rpartition("/")[2]}
        answer = await page.context.request.post("/sign-in", form=form, headers=FROM_HERE)
        assert answer.status == 403
        await page.goto(await house.passkey_link(HAVEN))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Make a passkey")
    with pytest.raises(LinksNotAllowed):
        await staff_links(house.desk.pool, allowed=False).make(
            HAVEN, StaffRole.STAFF, LinkPurpose.SIGN_IN, house.clock()
        )
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session") == 0


@pytest.mark.asyncio(loop_scope="function")
async def test_the_command_makes_no_link_where_people_are_real(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """It says what to do instead: a link for a passkey, which the next command lists and the last one takes away."""
    org = await installation.serve(kafka.org("haven"))
    installation.links_allowed = False
    done = await run("sign-in-link", "--org", org, "--role", "staff")
    assert isinstance(done.exception, LinksNotAllowed)
    assert "handoff inbox passkey link" in done.exception.remedy
    made = await run("passkey", "link", "--org", org, "--role", "staff")
    assert made.stdout.startswith("http://127.0.0.1:8090/sign-in/")
    assert "Nobody has a passkey here" in (await run("passkey", "list", "--org", org)).stderr
    await installation.pool.execute(
        "INSERT INTO staff_passkey (passkey_id, credential_id, org_id, role, account_id, public_key, sign_count,"
        " made_at) VALUES ('key-00', 'x', $1, 'STAFF', 'acc-1', 'x', 0, clock_timestamp())",
        org,
    )
    assert (await run("passkey", "list", "--org", org)).stdout.startswith("key-00  STAFF")
    assert (await run("passkey", "revoke", "key-00", "--org", org)).exit_code == 0
    assert (await run("passkey", "revoke", "key-00", "--org", org)).exit_code == 1
