"""Every page of the desk in every state that it can be in, one after the other: what tests of the look walk through."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from playwright.async_api import Page

from broker.schemas.delivery_failed import DeliveryFailure
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import NeedState, Priority
from broker.web.desk.roles import DeskRole
from tests.web.desk.office import Office

EXPECTED: Final = ("403", "404", "405", "409", "410")
"""What the browser's console says of pages that refuse."""
LISTS: Final = ("/", "/worklist", "/quarantine", "/overdue", "/unreached")


async def every_page(office: Office, page: Page) -> AsyncIterator[str]:
    """Signs in as an operator, who sees all of it, and shows one page after the other, by its name.

    What is the kit's (signing in, passkeys) is walked with the inbox's pages.
    """
    office.allowed.extend(EXPECTED)
    await page.goto(await office.link(DeskRole.OPERATOR))
    await page.locator("main form button").click()
    await page.wait_for_url(office.base + "/")
    for path in LISTS:
        await page.goto(path)
        yield f"{path}, empty"
    item, record = await filled(office)
    for path in (*LISTS, "/quarantine/codes/KEY_UNKNOWN"):
        await page.goto(path)
        yield f"{path}, filled"
    async for name in _item(page, item):
        yield name
    async for name in _record(page, record):
        yield name
    for name, path in (("missing", "/worklist/x"), ("no record", "/quarantine/x/0/0")):
        await page.goto(path)
        yield name


async def filled(office: Office) -> tuple[str, str]:
    """A night with much to do: an item that nobody has, and the path of a record."""
    item = await office.waits("NOBODY_LEFT", Priority.P0, age=timedelta(minutes=22))
    await office.waits("CONTACT_OVERDUE", Priority.P2, age=timedelta(hours=3), state=NeedState.CONTACT_PENDING)
    undelivered = await office.waits("UNDELIVERED", state=NeedState.ACCEPTED, provider="org-shelter-cedar")
    await office.pool.execute(
        "UPDATE work_item SET claimed_by = 'role:coordinator-7b21f00d', claimed_until = now() + interval '9 minutes'"
        " WHERE work_id = $1",
        undelivered,
    )
    given = await office.recalled("org-clinic-river")
    await office.pool.execute("UPDATE work_item SET assigned_to = 'role:privacy-officer' WHERE work_id = $1", given)
    record = await office.lies(RefusalCode.KEY_UNKNOWN)
    await office.lies(RefusalCode.KEY_UNKNOWN, age=timedelta(days=2))
    await office.lies(RefusalCode.SOURCE_NOT_BOUND, org=None, age=timedelta(minutes=9))
    await office.failed("org-shelter-cedar", DeliveryFailure.NO_WAY)
    await office.failed("org-shelter-cedar", DeliveryFailure.NO_WAY, age=timedelta(minutes=50))
    await office.failed("org-legal-aid", DeliveryFailure.REFUSED, age=timedelta(days=3))
    return item, record


async def _item(page: Page, item: str) -> AsyncIterator[str]:
    """Nobody's, one's own, given to a role, decided, and over."""
    await page.goto(f"/worklist/{item}")
    yield "item"
    await page.get_by_role("button").filter(has_not_text="Exit").first.click()
    await page.locator("#decide").wait_for()
    yield "item, one's own"
    await page.locator("#to").select_option("role:manager")
    await page.locator("form[action$=assign] button").click()
    await page.locator("#take").wait_for()
    yield "item, handed over"
    await page.locator("form[action$=claim] button").click()
    await page.locator("input[value=HANDLED]").check()
    await page.locator("form[action$=resolve] button").click()
    await page.wait_for_url("**/worklist/decided/*")
    yield "decided"
    await page.goto(f"/worklist/{item}")
    yield "item, not open any more"


async def _record(page: Page, record: str) -> AsyncIterator[str]:
    """One that Kafka does not keep any more: it cannot be judged again, and is given up."""
    await page.goto(record)
    yield "record"
    await page.goto(f"{record}/release")
    yield "nothing to release"
    await page.goto(f"{record}/discard")
    yield "discard"
    await page.locator("input[value=RECORD_GONE]").check()
    await page.locator("form[action$=discard] button").click()
    await page.wait_for_url(f"**{record}?stored=*")
    yield "record, given up"
    await page.goto(f"{record}/discard")
    yield "record, settled meanwhile"
