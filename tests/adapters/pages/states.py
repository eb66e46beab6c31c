"""Every page in every state that it can be in, one after the other: what tests of the look walk through."""

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from playwright.async_api import Page

from adapters.inbox.roster import Roster, Turn
from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.field_groups import SEALABLE, group_model
from broker.schemas.ids import OfferId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import CapacityBucket, DeclineReason, Service
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import ALIAS, GROUPS, SAFE_CONTACT
from tests.adapters.pages import facts
from tests.adapters.pages.house import House

EXPECTED: Final = ("403", "404", "409", "410", "405", "400")
"""What the browser's console says of pages that refuse."""


async def every_page(house: House, page: Page) -> AsyncIterator[str]:
    """Signs in as staff and shows one page after the other, by its name."""
    house.allowed.extend(EXPECTED)
    for name, path in (
        ("signed out", "/signed-out"),
        ("ways in", "/sign-in"),
        ("first passkey", await house.passkey_link(HAVEN)),
        ("link over", "/sign-in/" + "x" * 43),
        ("sign in", await house.link(HAVEN)),
    ):
        await page.goto(path)
        yield name
    await page.locator("main form button").click()
    await page.wait_for_url(house.base + "/")
    yield "empty list"
    for path in ("/capacity", "/roster", "/passkeys"):
        await page.goto(path)
        yield f"{path}, empty"
    async for name in _offers(house, page):
        yield name
    async for name in _house(house, page):
        yield name


async def _offers(house: House, page: Page) -> AsyncIterator[str]:
    await _on_call(house)
    waiting = await house.offered(HAVEN, due=timedelta(minutes=-5), priority="P0")
    await page.goto("/")
    yield "list of one"
    taken = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    over = await house.offered(HAVEN, Standing.EXPIRED)
    await house.desk.pool.execute("UPDATE offer SET content = NULL WHERE offer_id = $1", over)
    await house.release(HAVEN, taken, everything())
    recalled = await _taken_back(house)
    pressed, emergency = await facts.pressed(house), await facts.handed_over(house, prohibited=False, emergency=True)
    allowed, wrong = await facts.handed_over(house), await facts.recalled(house)
    begun = await house.offered(HAVEN, Standing.HANDOFF)
    promised = await house.offered(HAVEN, Standing.ACCEPTED)
    await house.desk.pool.execute(
        "INSERT INTO channel (org_id, place, transport, settings, folder, on_call, paused, failures, probe_at,"
        " changed_at) VALUES ($1, 1, 'webhook', '{}', 'f', false, 'HTTP_410', 0, NULL, clock_timestamp()),"
        " ($1, 2, 'fhir', '{}', 'g', false, NULL, 5, clock_timestamp(), clock_timestamp())",
        HAVEN,
    )
    await page.goto("/")
    yield "list of many"
    for name, path in (
        ("offer", f"/offers/{waiting}"),
        ("accepted", f"/offers/{taken}"),
        ("taken back", f"/offers/{recalled}"),
        ("all that can press", f"/offers/{pressed}"),
        ("emergency", f"/offers/{emergency}"),
        ("allowed", f"/offers/{allowed}"),
        ("without keys", f"/offers/{await facts.without_keys(house)}"),
        ("recalled", f"/offers/{wrong}"),
        ("over", f"/offers/{over}"),
        ("missing", "/offers/x"),
        ("live transfer promised", f"/offers/{promised}"),
        ("live transfer", f"/offers/{promised}/handoff"),
        ("live transfer under way", f"/offers/{begun}/handoff"),
        ("not done here", f"/offers/{waiting}/answer"),
    ):
        await page.goto(path)
        yield name
    async for name in _lacking(page, waiting, taken, promised, recalled):
        yield name
    async for name in _opened(house, page, taken):
        yield name
    await _conflict(house, page, waiting)
    yield "conflict"


async def _lacking(page: Page, *offers: OfferId) -> AsyncIterator[str]:
    """Each form, sent without what it asks for: what browsers see to by themselves is left to the pages."""
    waiting, taken, promised, recalled = offers
    for path, form, choice in (
        (f"/offers/{waiting}", "form[action$=answer]", "[value=decline]"),
        (f"/offers/{waiting}", "form[action$=answer]", None),
        (f"/offers/{promised}/handoff", "form[action$=handoff]", "[value=failed]"),
        (f"/offers/{promised}/handoff", "form[action$=handoff]", None),
        (f"/offers/{taken}", "form[action$=progress]", None),
        (f"/offers/{recalled}", "form[action$=revocation]", None),
        ("/roster", "form[action$=roster]", None),
    ):
        await page.goto(path)
        if choice is not None:
            await page.locator(form).locator(choice).check()
        await page.locator(form).evaluate("form => { form.noValidate = true }")
        await page.locator(form).locator("button").last.click()
        await page.locator("#wrong").wait_for()
        yield f"{path}, {choice}, lacking"


async def _opened(house: House, page: Page, taken: OfferId) -> AsyncIterator[str]:
    async for name in _open(page, taken):
        yield name
    await page.locator("button[name=contact]").click()
    yield "details"
    for name, safe in (
        ("not wanted", {"mode": "SURVIVOR_WILL_CALL"}),
        ("too long ago", {"lastConfirmedAt": "2026-01-01T00:00:00Z"}),
        ("not now", _later()),
    ):
        offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
        await house.release(HAVEN, offer_id, {**GROUPS, "FG03": {**SAFE_CONTACT, **safe}})
        async for opened in _open(page, offer_id):
            yield f"{name}, {opened}"
    withheld = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, withheld, {"FG04": ALIAS})
    async for opened in _open(page, withheld):
        yield f"withheld, {opened}"
    await page.locator("details summary").click()
    yield "withheld, told"
    await page.goto(f"/offers/{withheld}")
    await house.desk.pool.execute("UPDATE disclosure SET expires_at = clock_timestamp() WHERE offer_id = $1", withheld)
    await page.locator("form[action$=opened] button").click()
    yield "nothing to open"
    await page.goto(f"/offers/{withheld}")
    yield "lapsed"


def everything() -> dict[str, Mapping[str, Any]]:
    """Every group that can be sealed, by its example; the way of contact is usable at this moment."""
    return {**{code: group_model(code).EXAMPLE for code in sorted(SEALABLE)}, **GROUPS}


async def _open(page: Page, offer_id: OfferId) -> AsyncIterator[str]:
    await page.goto(f"/offers/{offer_id}")
    await page.locator("form[action$=opened] button").click()
    await page.locator(".safe").wait_for()
    yield "opened"


def _later() -> dict[str, Any]:
    later = datetime.now(UTC) + timedelta(hours=3)
    window = {"rrule": "FREQ=DAILY", "startsAt": f"{later:%H:%M}", "endsAt": f"{later + timedelta(hours=1):%H:%M}"}
    return {"windows": [window | {"timezone": "UTC"}]}


async def _conflict(house: House, page: Page, offer_id: OfferId) -> None:
    """Somebody else answers while the page is open."""
    await page.goto(f"/offers/{offer_id}")
    await house.inbox(HAVEN).decline(offer_id, DeclineReason.NO_CAPACITY_BEDS)
    await page.locator("input[name=answer][value=accept]").check()
    await page.locator("form[action$=answer] button").click()
    await page.locator("h1").wait_for()


async def _taken_back(house: House) -> OfferId:
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.desk.pool.execute(
        "INSERT INTO recall (org_id, offer_id, groups, answer_by, received_at)"
        " VALUES ($1, $2, '[\"FG04\"]', $3, clock_timestamp())",
        *(HAVEN, offer_id, datetime.now(UTC) + timedelta(hours=1)),
    )
    return offer_id


async def _on_call(house: House) -> None:
    now = datetime.now(UTC)
    turn = Turn(role=AcceptedBy.STAFF, starts_at=now, ends_at=now + timedelta(hours=8), number="+15555550123")
    await Roster(house.desk.pool, HAVEN).set(turn)


async def _house(house: House, page: Page) -> AsyncIterator[str]:
    inbox = house.inbox(HAVEN)
    await inbox.capacity(Service.EMERGENCY_SHELTER, CapacityUnit.CRIB, CapacityBucket.NONE)
    await house.desk.pool.execute("UPDATE answer SET made_at = made_at - interval '5 hours' WHERE offer_id IS NULL")
    await inbox.capacity(Service.EMERGENCY_SHELTER, CapacityUnit.FAMILY_UNIT, CapacityBucket.FEW)
    await house.desk.pool.execute(
        "INSERT INTO staff_passkey (passkey_id, credential_id, org_id, role, account_id, public_key, sign_count,"
        " made_at)"
        " SELECT $1, $2, org_id, role, account_id, 'x', 0, began_at FROM staff_session ORDER BY began_at DESC LIMIT 1",
        *(f"key-{secrets.token_hex(8)}", secrets.token_bytes(16)),
    )
    for path in ("/capacity", "/roster", "/passkeys"):
        await page.goto(path)
        yield f"{path}, filled"
    house.ahead += timedelta(minutes=10)
    await page.goto("/passkeys")
    yield "passkeys, no new one"


async def every_page_of_a_privacy_officer(house: House, page: Page) -> AsyncIterator[str]:
    """What a role that decides nothing sees, and what it is refused."""
    house.allowed.extend(EXPECTED)
    await page.goto(await house.link(HAVEN, StaffRole.PRIVACY_OFFICER))
    await page.locator("main form button").click()
    await page.wait_for_url(house.base + "/")
    waiting, recalled = await house.offered(HAVEN, priority="P0"), await _taken_back(house)
    await _on_call(house)
    await house.inbox(HAVEN).capacity(Service.EMERGENCY_SHELTER, CapacityUnit.CRIB, CapacityBucket.NONE)
    await page.goto("/readings")
    yield "nobody has opened anything"
    await house.release(HAVEN, recalled)
    await house.inbox(HAVEN).open_groups(recalled, reader=AcceptedBy.SUPERVISOR, contact_shown=True)
    read = ("/readings", f"/readings?offer={recalled}")
    for path in ("/", f"/offers/{waiting}", f"/offers/{recalled}", "/capacity", "/roster", "/passkeys", *read):
        await page.goto(path)
        yield path
    await page.goto(f"/offers/{waiting}/handoff")
    yield "not this role's"
