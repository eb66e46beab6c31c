"""Answers by a form: each counts once, a conflict says so, and what may not be said is not stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect
from pydantic_core import from_json

from adapters.standing import Standing
from broker import limits
from broker.schemas.ids import OfferId, new_event_id
from broker.schemas.vocabulary import DeclineReason
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import ALIAS, GROUPS, SAFE_CONTACT
from tests.adapters.pages.house import House
from tests.browsing import FROM_HERE

Form = dict[str, str | float | bool]
NUMBER = str(SAFE_CONTACT["handle"])


async def stored(house: House) -> list[tuple[str, Any]]:
    """Every answer that was stored, and what it says."""
    rows = await house.desk.pool.fetch("SELECT type, value FROM answer ORDER BY seq")
    return [(row["type"].split(".")[-2], from_json(row["value"])) for row in rows]


async def choose(page: Page, offer_id: OfferId, label: str, reason: DeclineReason | None = None) -> None:
    """Answer an offer on its page."""
    await page.goto(f"/offers/{offer_id}")
    await page.get_by_label(label, exact=True).check()
    if reason is not None:
        await page.get_by_label("If no: why").select_option(reason.value)
    await page.get_by_role("button", name="Send the answer").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
async def test_each_answer_of_the_form_is_the_answer_that_is_stored(house: House, scripts: bool) -> None:
    """Yes, yes with a live transfer, a place in the queue, and no with its reason; with scripts and without."""
    offers = [await house.offered(HAVEN) for _ in range(4)]
    async with house.person(HAVEN, java_script_enabled=scripts) as page:
        await choose(page, offers[0], "Yes")
        await choose(page, offers[1], "Yes, and we call the worker now to take over on the line")
        await choose(page, offers[2], "A place on our waiting list; others go on being asked")
        await choose(page, offers[3], "No; somebody else is asked at once", DeclineReason.CANNOT_ACCOMMODATE_PET)
        await expect(page.locator(".standing", has_text="declined")).to_be_visible()
    told = await stored(house)
    assert [kind for kind, _ in told] == ["accepted", "accepted", "waitlisted", "declined"]
    assert [data.get("liveTransfer") for _, data in told[:2]] == [False, True]
    assert [data["acceptedBy"] for _, data in told[:2]] == ["STAFF", "STAFF"]
    assert told[3][1]["reason"] == "CANNOT_ACCOMMODATE_PET"


async def test_a_form_that_is_sent_twice_answers_once(house: House) -> None:
    """A slow link and a second tap: one answer, and the same page for both."""
    offer_id = await house.offered(HAVEN)
    form: Form = {"answer": "accept", "key": new_event_id()}
    tried: Form = {"step": "tried:NO_ANSWER", "key": new_event_id()}
    async with house.person(HAVEN) as page:
        for path, sent in (("answer", form), ("progress", tried)):
            for _ in range(2):
                answer = await page.context.request.post(
                    f"/offers/{offer_id}/{path}", form=sent, headers=FROM_HERE, max_redirects=0
                )
                assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, f"/offers/{offer_id}")
        other = await page.context.request.post(
            f"/offers/{offer_id}/answer", form={**form, "answer": "waitlist"}, headers=FROM_HERE
        )
        assert other.status == 409, "the same form cannot say something else the second time"
    assert [(kind, data.get("attempt")) for kind, data in await stored(house)] == [("accepted", None), ("attempted", 1)]


async def test_whoever_is_late_sees_that_it_has_changed(house: House) -> None:
    """A colleague was quicker: a page says so in words, with a way on, and nothing is stored."""
    offer_id = await house.offered(HAVEN)
    house.allowed.append("409")
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await house.inbox(HAVEN).decline(offer_id, DeclineReason.NO_CAPACITY_BEDS)
        await page.get_by_label("Yes", exact=True).check()
        await page.get_by_role("button", name="Send the answer").click()
        await expect(page.get_by_role("heading")).to_have_text("This offer has changed meanwhile")
        await expect(page.get_by_text("You had already answered this offer otherwise.")).to_be_visible()
        await page.get_by_role("link", name="To the list").click()
        await expect(page.get_by_text("Nothing waits.")).to_be_visible()
    assert [kind for kind, _ in await stored(house)] == ["declined"]


NOT_OURS: tuple[dict[str, str], ...] = (
    {},
    {"answer": "accept"},
    {"answer": "accept", "key": "not an id"},
    {"answer": "maybe", "key": "K"},
    {"answer": "decline", "key": "K"},
    {"answer": "decline", "key": "K", "reason": "SHE_IS_TO_BLAME"},
    {"answer": "accept", "key": "K", "note": "Wolfsbane"},
)


async def test_a_form_that_is_not_ours_stores_nothing(house: House) -> None:
    """Nothing missing, nothing unknown, no decline without its reason, no free text; and no value in the answer."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        for form in NOT_OURS:
            sent: Form = {name: new_event_id() if value == "K" else value for name, value in form.items()}
            answer = await page.context.request.post(f"/offers/{offer_id}/answer", form=sent, headers=FROM_HERE)
            assert answer.status == 400, form
            assert "Wolfsbane" not in await answer.text()
        whole = await page.context.request.post(
            f"/offers/{offer_id}/answer", data="x" * (limits.page_form_bytes_max + 1), headers=FROM_HERE
        )
        assert whole.status == 400
    assert await stored(house) == []


@pytest.mark.parametrize(
    ("safe", "says"),
    [
        ({"mode": "SURVIVOR_WILL_CALL"}, "Do not contact. The survivor will call you."),
        ({"windows": "closed"}, "Not now: make no contact before"),
        ({"lastConfirmedAt": "2026-01-01T00:00:00Z"}, "Too long ago to rely on: make no contact."),
    ],
)
async def test_no_number_is_shown_when_contact_is_not_safe(house: House, safe: dict[str, Any], says: str) -> None:
    """Not wanted, not at this hour, not confirmed lately: neither the button nor a forged form shows the number."""
    if safe.get("windows") == "closed":
        later = datetime.now(UTC) + timedelta(hours=3)
        window = {"rrule": "FREQ=DAILY", "startsAt": f"{later:%H:%M}", "timezone": "UTC"}
        safe = {"windows": [window | {"endsAt": f"{later + timedelta(hours=1):%H:%M}"}]}
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id, {**GROUPS, "FG03": {**SAFE_CONTACT, **safe}})
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await page.get_by_role("button", name="Open what was released").click()
        await expect(page.get_by_text(says)).to_be_visible()
        assert await page.get_by_role("button", name="Show contact details").count() == 0
        forged = await page.context.request.post(
            f"/offers/{offer_id}/opened", form={"contact": "show"}, headers=FROM_HERE
        )
        assert forged.ok
        assert NUMBER not in await forged.text()
        if "lastConfirmedAt" in safe:
            await page.get_by_role("button", name="I have asked: it still holds").click()
            await page.get_by_role("button", name="Open what was released").click()
            await expect(page.get_by_role("button", name="Show contact details")).to_be_visible()


async def test_what_lapsed_or_was_taken_back_does_not_open(house: House) -> None:
    """The page closes to a shutter, and a page that is still open from before opens nothing either."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id)
    house.allowed.append("410")
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        await house.desk.pool.execute("UPDATE disclosure SET expires_at = clock_timestamp()")
        await page.get_by_role("button", name="Open what was released").click()
        await expect(page.get_by_role("heading")).to_have_text("There is nothing to open")
        await page.goto(f"/offers/{offer_id}")
        await expect(page.get_by_role("heading", name="The release has ended")).to_be_visible()
        assert await page.get_by_role("button", name="Open what was released").count() == 0
    assert await house.desk.pool.fetchval("SELECT count(*) FROM reading") == 0


async def test_a_revocation_is_answered_on_the_page(house: House) -> None:
    """The list says that something was taken back, the page asks what became of it, and the answer is stored."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.desk.pool.execute(
        "INSERT INTO recall (org_id, offer_id, groups, answer_by, received_at)"
        " VALUES ($1, $2, '[\"FG04\"]', $3, clock_timestamp())",
        *(HAVEN, offer_id, datetime.now(UTC) + timedelta(hours=1)),
    )
    async with house.person(HAVEN) as page:
        await expect(page.get_by_text("Something was taken back: say what became of it")).to_be_visible()
        await page.get_by_role("table").get_by_role("link").click()
        key = await page.locator("input[name=key]").first.get_attribute("value")
        await page.get_by_label("complied").check()
        await page.get_by_role("button", name="Say so").click()
        await expect(page.get_by_role("heading", name="Taken back")).to_have_count(0)
        for outcome, status in (("COMPLIED", 200), ("RETAINED_LEGAL_DUTY", 409)):
            form: Form = {"outcome": outcome, "key": str(key)}
            again = await page.context.request.post(f"/offers/{offer_id}/revocation", form=form, headers=FROM_HERE)
            assert again.status == status, "one page answers once"
    assert [(kind, data["outcome"]) for kind, data in await stored(house)] == [("acknowledged", "COMPLIED")]
    assert await house.desk.pool.fetchval("SELECT outcome FROM recall") == "COMPLIED"


async def test_not_shared_reads_the_same_whether_or_not_there_is_something(house: House) -> None:
    """What was withheld, what never existed, and what is there under keys for somebody else's eyes: one wording."""
    texts = []
    async with house.person(HAVEN) as page:
        for groups in ({"FG04": ALIAS}, {"FG04": ALIAS, "FG14": {"opposingPartyName": "Wolfsbane"}}):
            offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
            await house.release(HAVEN, offer_id, groups)
            await page.goto(f"/offers/{offer_id}")
            await page.get_by_role("button", name="Open what was released").click()
            texts.append(await page.locator("section").nth(0).inner_html() + await page.locator("details").inner_html())
    assert "Not shared with you. Do not try to reach the survivor" in texts[0]
    assert texts[0] == texts[1]


async def test_a_service_is_followed_to_its_outcome(house: House) -> None:
    """In touch, begun, come to something: each step offers only what can follow."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    async with house.person(HAVEN) as page:
        await page.goto(f"/offers/{offer_id}")
        for step in ("made:", "started:EMERGENCY_SHELTER", "completed:SHELTERED"):
            await page.get_by_label("What happened").select_option(step)
            await page.get_by_role("button", name="Store it").click()
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await expect(page.get_by_text("completed", exact=False).first).to_be_visible()
        assert await page.get_by_label("What happened").count() == 0
    assert [kind for kind, _ in await stored(house)] == ["made", "started", "completed"]
