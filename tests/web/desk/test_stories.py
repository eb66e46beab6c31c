"""What people do at the desk of a county at work: take, decide, hand over, judge again; two who do it at once."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from broker.look.counts import STORED_WITHIN
from broker.schemas.delivery_failed import DeliveryFailure
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.ids import new_event_id
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.vocabulary import NeedState
from broker.web.desk.roles import DeskRole
from tests.adapters.pages.test_look import is_for_everybody
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.broker.letters import until
from tests.broker.test_quarantine import LateKey, consented, named
from tests.broker.test_work_list import stuck
from tests.browsing import FROM_HERE
from tests.web.desk.office import Office

Form = dict[str, str | float | bool]


async def told(office: Office, kind: str, **about: str) -> list[dict[str, Any]]:
    """What the trail says of one kind of step, of a referral or a record."""
    rows = await office.pool.fetch(
        "SELECT convert_from(preimage, 'UTF8') AS told FROM trail_entry WHERE kind = $1 ORDER BY idx", kind
    )
    facts: list[dict[str, Any]] = [json.loads(row["told"]) for row in rows]
    return [one for one in facts if about.items() <= one.items()]


async def take(page: Page, item: str) -> None:
    """From the list to the item, and take it."""
    await page.goto("/worklist")
    await page.locator(f"a[href='/worklist/{item}']").click()
    await page.get_by_role("button", name="Take it").click()
    await expect(page.get_by_text("This is yours until")).to_be_visible()


async def test_what_nobody_takes_is_taken_decided_and_closed(county_office: Office, served: County) -> None:
    """From the list to the decision; the source hears that it is closed; reading and each step are entries."""
    referral, item, category = await stuck(served)
    async with county_office.person(DeskRole.COORDINATOR) as page:
        await take(page, item)
        await page.get_by_role("radio", name="It stays unmet").check()
        await page.get_by_label("If it stays unmet: why").select_option("NO_PROVIDER")
        await page.get_by_role("button", name="Store the decision").click()
        await expect(page.get_by_text("The agency that asked is told that it is closed.")).to_be_visible()
        await page.get_by_role("link", name="To the work list").click()
        await expect(page.locator(f"a[href='/worklist/{item}']")).to_have_count(0)

    async def closed() -> bool:
        return bool((await served.need(referral, category))["state"] == "CLOSED_UNMET")

    await until(closed)
    await served.settled()
    assert len(served.facts(ReferralClosed, org=POLICE, about=referral)) == 1
    [resolved] = await told(county_office, "work.resolved", referral=referral)
    assert (resolved["resolution"], resolved["unmet"]) == ("CLOSE_UNMET", "NO_PROVIDER")
    by = resolved["actor"]
    assert by.startswith("role:coordinator-")
    assert [one["actor"] for one in await told(county_office, "work.claimed", referral=referral)] == [by]
    shown = await told(county_office, "records.read", actor=by)
    assert [one["what"] for one in shown] == ["work list", "work show", "work show", "work list"]


async def test_of_two_who_take_it_one_has_it(county_office: Office, served: County) -> None:
    """The other is told so, and who has it; taking it over is said of, and the first can decide nothing any more."""
    county_office.allowed.append("409")
    referral, item, _ = await stuck(served)
    async with (
        county_office.person(DeskRole.COORDINATOR) as first,
        county_office.person(DeskRole.COORDINATOR, viewport={"width": 320, "height": 640}) as second,
    ):
        await second.goto(f"/worklist/{item}")
        await take(first, item)
        await second.get_by_role("button", name="Take it").click()
        await expect(second.get_by_role("heading")).to_have_text("Somebody else has it")
        await is_for_everybody(second, 320, "conflict")
        await second.get_by_role("link", name="Look at it again").click()
        await expect(second.get_by_text("This is with coordinator")).to_be_visible()
        await is_for_everybody(second, 320, "claimed by another")
        await second.get_by_role("button", name="Take it over").click()
        await expect(second.get_by_text("This is yours until")).to_be_visible()
        await first.get_by_role("radio", name="It is taken care of").check()
        await first.get_by_role("button", name="Store the decision").click()
        await expect(first.get_by_role("heading")).to_have_text("Somebody else has it")
    one, other = await told(county_office, "work.claimed", referral=referral)
    assert other["takenFrom"] == one["actor"] != other["actor"]
    assert await told(county_office, "work.resolved", referral=referral) == []


async def test_a_form_that_is_sent_again_does_nothing_again(county_office: Office, served: County) -> None:
    """Twice at once and once later: each is answered as the first, and one thing was done."""
    referral, item, _ = await stuck(served)
    async with county_office.person(DeskRole.OPERATOR) as page:
        post = page.context.request.post
        claim: Form = {"key": new_event_id()}
        decide: Form = {"key": new_event_id(), "resolution": "HANDLED"}
        for path, form in ((f"/worklist/{item}/claim", claim), (f"/worklist/{item}/resolve", decide)):
            sent = [post(path, form=form, headers=FROM_HERE, max_redirects=0) for _ in range(2)]
            later = post(path, form=form, headers=FROM_HERE, max_redirects=0)
            answers = [*await asyncio.gather(*sent), await later]
            assert {answer.status for answer in answers} == {303}, path
            assert len({answer.headers["location"].partition("?")[0] for answer in answers}) == 1, path
    for kind in ("work.claimed", "work.resolved"):
        assert len(await told(county_office, kind, referral=referral)) == 1


async def test_what_is_handed_over_is_given_to_a_role_and_given_back(county_office: Office, served: County) -> None:
    """To whoever manages the programme; somebody takes it again, and gives it back to everybody."""
    referral, item, _ = await stuck(served)
    async with county_office.person(DeskRole.COORDINATOR) as page:
        await take(page, item)
        await page.get_by_label("To whom").select_option("role:manager")
        await page.get_by_role("button", name="Hand it over").click()
        await expect(page.get_by_text("This is given to programme manager.")).to_be_visible()
        await page.get_by_role("button", name="Take it").click()
        await page.get_by_role("button", name="Give it back").click()
        await expect(page.get_by_role("button", name="Take it")).to_be_visible()
    assert [one["to"] for one in await told(county_office, "work.assigned", referral=referral)] == ["role:manager"]
    assert len(await told(county_office, "work.released", referral=referral)) == 1


async def test_a_decision_that_is_not_whole_stores_nothing(county_office: Office, served: County) -> None:
    """Unmet without a reason, a name instead of a role, a form of another page: a page that says so."""
    referral, item, _ = await stuck(served)
    async with county_office.person(DeskRole.COORDINATOR) as page:
        for path, form in (
            ("resolve", {"resolution": "CLOSE_UNMET"}),
            ("assign", {"to": "Jane Doe"}),
            ("claim", {"over": "no"}),
        ):
            sent: Form = {"key": new_event_id(), **form}
            answer = await page.context.request.post(f"/worklist/{item}/{path}", form=sent, headers=FROM_HERE)
            assert (answer.status, "Jane" in await answer.text()) == (400, False)
    for kind in ("work.resolved", "work.assigned", "work.claimed"):
        assert await told(county_office, kind, referral=referral) == []


async def test_a_record_is_judged_again_when_its_cause_is_gone(county_office: Office, served: County) -> None:
    """Before, the page says what would come of it and offers nothing; after, it is taken in, once, and says so."""
    letter, referral, _ = await consented(served)
    key = LateKey()
    record = named(await key.publish(served, letter))
    async with county_office.person(DeskRole.OPERATOR, viewport={"width": 320, "height": 640}) as page:
        await page.goto("/quarantine/codes/KEY_UNKNOWN")
        await page.get_by_role("link", name=record).click()
        await expect(page.get_by_text(letter.event_id)).to_be_visible()
        await is_for_everybody(page, 320, "record")
        await page.get_by_role("link", name="Judge it again").click()
        await expect(page.get_by_text("it would be refused again: KEY_UNKNOWN")).to_be_visible()
        assert await page.locator("main form").count() == 0
        await is_for_everybody(page, 320, "refused again")
        await key.register(served)
        await page.get_by_role("link", name="Load again").click()
        await expect(page.get_by_text("Judged now, it would be taken in.")).to_be_visible()
        assert await told(county_office, "quarantine.kept", record=record) == []
        assert await told(county_office, "quarantine.released", record=record) == []
        await is_for_everybody(page, 320, "release")
        await page.get_by_label("Its key is known by now").check()
        form: Form = {
            "key": await page.locator("input[name=key]").input_value(),
            "reason": "KEY_REGISTERED",
        }
        await page.get_by_role("button", name="Judge it now").click()
        await expect(page.get_by_text("taken in, ")).to_be_visible()
        await is_for_everybody(page, 320, "settled")
        again = await page.context.request.post(
            f"/quarantine/{record}/release", form=form, headers=FROM_HERE, max_redirects=0
        )
        assert (again.status, again.headers["location"].partition("?")[0]) == (303, f"/quarantine/{record}")
        county_office.allowed.append("409")
        await page.goto(f"/quarantine/{record}/release")
        await expect(page.get_by_role("heading")).to_have_text("Somebody has settled it meanwhile")
    await served.settled()
    assert len(served.facts(EventAccepted, about=referral)) == 1
    [released] = await told(county_office, "quarantine.released", record=record)
    assert (released["reason"], released["referral"]) == ("KEY_REGISTERED", referral)
    assert released["actor"].startswith("role:operator-")


async def test_a_record_is_given_up_with_its_reason(county_office: Office, served: County) -> None:
    """By an operator; a coordinator sees the record and no way to settle it."""
    letter, _, _ = await consented(served)
    record = named(await LateKey().publish(served, letter))
    async with county_office.person(DeskRole.COORDINATOR) as page:
        await page.goto(f"/quarantine/{record}")
        await expect(page.get_by_text("An operator settles it.")).to_be_visible()
        assert await page.locator(f"a[href^='/quarantine/{record}/']").count() == 0
    async with county_office.person(DeskRole.OPERATOR) as page:
        await page.goto(f"/quarantine/{record}")
        await page.get_by_role("link", name="Give it up").click()
        await page.get_by_label("It was published anew").check()
        await page.get_by_role("button", name="Give it up").click()
        await expect(page.get_by_text("given up, ")).to_be_visible()
    [given_up] = await told(county_office, "quarantine.discarded", record=record)
    assert given_up["reason"] == "PUBLISHED_ANEW"


@pytest.mark.parametrize("path", ["/", "/worklist"])
async def test_what_comes_is_counted_and_shown_when_it_is_asked_for(office: Office, path: str) -> None:
    """Nothing moves under the finger: a line says how many, and its link shows them where one is."""
    await office.waits("NOBODY_LEFT")
    async with office.person(DeskRole.COORDINATOR) as page:
        await page.goto(path)
        # It comes now: what is found at the first look counts by its own time.
        await office.waits("CONTACT_OVERDUE", age=timedelta(0))
        await expect(page.get_by_text("1 new item. Show them.")).to_be_visible()
        await asyncio.sleep(STORED_WITHIN.total_seconds())
        await page.get_by_role("link", name="Show them.").click()
        await page.wait_for_url(office.base + path)
        await expect(page.locator("#news")).to_be_empty()


async def test_what_is_late_and_who_was_not_reached_leads_to_its_item(office: Office) -> None:
    """Each list with its link to the work list; asking each is an entry, trail.read, with its question."""
    recall = await office.recalled("org-clinic-river")
    item = await office.waits("UNDELIVERED", state=NeedState.ACCEPTED, provider="org-shelter-cedar")
    await office.failed("org-shelter-cedar", DeliveryFailure.NO_WAY)
    await office.failed("org-shelter-cedar", DeliveryFailure.NO_WAY)
    await office.failed("org-shelter-birch", DeliveryFailure.REFUSED, age=timedelta(days=30))
    async with office.person(DeskRole.COORDINATOR) as page:
        await expect(page.locator("a[href='/overdue'] .number")).to_have_text("1")
        await expect(page.locator("a[href='/unreached'] .number")).to_have_text("1")
        assert await told(office, "trail.read") == [], "numbers alone are nobody's reading"
        await page.goto("/overdue")
        await page.locator(f"a[href='/worklist/{recall}']").click()
        await expect(page.get_by_text("has not confirmed that something was taken back")).to_be_visible()
        await page.goto("/unreached")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await expect(page.locator("tbody")).to_contain_text("No way of reaching it is open")
        await page.locator(f"tbody a[href='/worklist/{item}']").click()
        await expect(page.get_by_text("could not be handed over")).to_be_visible()
    asked = [(one["question"], one["rows"]) for one in await told(office, "trail.read")]
    assert asked == [("OVERDUE", 1), ("FAILURES", 1)]
