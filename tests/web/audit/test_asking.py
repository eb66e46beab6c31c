"""What an auditor asks at the desk is answered from the trail and stands in it; nobody is found by person."""

import csv
import io
import json
import re
from typing import Any, Final, NamedTuple

import pytest
from playwright.async_api import Page, expect

from broker import limits
from broker.domain.reasons import WORDS, Reason
from broker.schemas.ids import ReferralId
from broker.schemas.reference import beginning_of, reference_of
from broker.store.attempts import Came
from broker.web.audit.reports import REPORTS, By
from broker.web.audit.sheet import OUTCOMES
from broker.web.desk.roles import DeskRole
from tests.browsing import FROM_HERE
from tests.domain.cast import CONSENT, HOTLINE, OTHER_SHELTER, POLICE, SHELTER
from tests.web.audit.conftest import Audited
from tests.web.audit.told import CANARY, FORMULA

NAME: Final = "Jane Roe-Testperson"
"""What somebody types who would like to find a person."""


def reference(referral: str) -> str:
    """The short reference of a referral."""
    return reference_of(ReferralId(referral))


class Said(NamedTuple):
    """An answer, as it was when its page was still open."""

    status: int
    text: str
    headers: dict[str, str]


async def sent(page: Page, path: str, **form: str) -> Said:
    """What a form is answered with."""
    told: dict[str, str | float | bool] = {**form}
    answer = await page.context.request.post(path, form=told, headers=FROM_HERE, max_redirects=0)
    return Said(answer.status, await answer.text(), answer.headers)


async def got(page: Page, path: str) -> Said:
    """What stands at an address."""
    answer = await page.context.request.get(path, max_redirects=0)
    return Said(answer.status, await answer.text(), answer.headers)


async def newest(audited: Audited) -> dict[str, Any]:
    """The newest entry of the trail, as it says."""
    row = await audited.office.pool.fetchrow("SELECT kind, preimage FROM trail_entry ORDER BY idx DESC LIMIT 1")
    assert row is not None
    return {"kind": row["kind"], **json.loads(row["preimage"])}


async def entries(audited: Audited) -> int:
    """How many entries the trail has."""
    return int(await audited.office.pool.fetchval("SELECT count(*) FROM trail_entry"))


async def test_who_reads_a_story_stands_in_it_and_is_told_so(audited: Audited) -> None:
    """On the page and in the trail by the same words, for auditors and privacy officers alike."""
    for role, called in ((DeskRole.AUDITOR, "role:auditor-"), (DeskRole.PRIVACY_OFFICER, "role:privacy-officer-")):
        async with audited.office.person(role) as page:
            await page.goto(f"/audit/referrals/{audited.told.served}")
            read = await newest(audited)
            assert (read["kind"], read["referral"]) == ("trail.read", audited.told.served)
            assert read["actor"].startswith(called)
            await expect(page.get_by_text(f"now stands in the trail, as {read['actor']}")).to_be_visible()
            await page.goto(f"/audit/referrals/{audited.told.served}?view=full")
            await expect(page.get_by_text(read["actor"]).first).to_be_visible()


async def test_a_referral_is_found_by_reference_organisation_rule_and_time(audited: Audited) -> None:
    """However the reference is typed; each search is an entry that says what was searched for."""
    told = audited.told
    async with audited.office.person(DeskRole.AUDITOR) as page:

        async def found(**form: str) -> set[str]:
            answer = await sent(page, "/audit/found", **form)
            assert answer.status == 200
            assert re.search(r"now stands in the trail", answer.text)
            return set(re.findall(r"/audit/referrals/(ref-[0-9a-f-]{36})\"", answer.text))

        for typed in (reference(told.served), reference(told.served).lower().replace("-", " "), told.served):
            assert await found(reference=typed) == {told.served}
        assert (await newest(audited))["referral"] == told.served
        assert told.undelivered in await found(org=POLICE.org)
        assert told.served not in await found(org=POLICE.org)
        assert (await newest(audited))["about"] == POLICE.org
        assert await found(rule="VAWA-12", org=HOTLINE.org) == {told.served, told.recalled}
        assert (await newest(audited))["about"] == f"{HOTLINE.org} VAWA-12"
        assert await found(rule="VAWA-12", since="2020-01-01", through="2020-12-31") == set()


async def test_nobody_is_found_by_name_and_what_was_typed_is_nowhere(audited: Audited) -> None:
    """Refused in whatever field it is put; in no answer, no address, and no entry."""
    audited.office.allowed.append("400")
    before = await entries(audited)
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit")
        await page.get_by_label("By its reference").fill(NAME)
        await page.get_by_role("button", name="Find").first.click()
        await expect(page.get_by_role("alert")).to_contain_text("Nobody is found by name")
        assert page.url.endswith("/audit/found")
        answers = [
            await sent(page, "/audit/found", **{field: NAME}) for field in ("org", "rule", "since", "name", "person")
        ]
        answers += [await sent(page, "/audit/reports/disclosures", about=NAME, kind="page")]
        answers += [await sent(page, "/audit/reports/reads", referral=NAME, kind="csv")]
        for answer in answers:
            assert answer.status == 400
            assert NAME not in answer.text
    assert await entries(audited) == before
    assert not any("Jane" in url for url in audited.office.urls)


async def test_a_story_says_each_verdict_in_words(audited: Audited) -> None:
    """Who was let see what, what was withheld and by which rule, in order; the ladder says how far it came."""
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto(f"/audit/referrals/{audited.told.served}")
        assert await page.locator(".ladder li.done").count() == 7
        acts = await page.locator(".story .act time").all_inner_texts()
        assert acts == sorted(acts)
        assert len(acts) >= 7
        await expect(page.locator(".story")).to_contain_text("Sealed groups were handed over")
        await expect(page.locator(".story")).to_contain_text(WORDS[Reason.FEEDBACK_NOT_RELEASED])
        await page.get_by_role("link", name="In full").click()
        for said in (WORDS[Reason.AFTER_ACCEPTANCE], "VAWA-07", "Only the groups, fields and sensitivity", CONSENT):
            await expect(page.locator(".story")).to_contain_text(said)
        await page.goto(f"/audit/referrals/{audited.told.recalled}")
        await expect(page.locator(".ladder li.ended")).to_contain_text("REVOKED")


async def test_a_story_is_taken_as_a_file_whose_name_is_its_reference(audited: Audited) -> None:
    """JSON lines and CSV of the same entries; nothing else is in the name, and taking it is an entry."""
    referral = audited.told.served
    async with audited.office.person(DeskRole.AUDITOR) as page:
        as_json = await sent(page, f"/audit/referrals/{referral}/story", kind="json")
        as_csv = await sent(page, f"/audit/referrals/{referral}/story", kind="csv")
    lines = [json.loads(line) for line in as_json.text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert [str(line["idx"]) for line in lines] == [row["entry"] for row in rows][: len(lines)]
    assert len(rows) == len(lines) + 1, "between the two somebody took the first"
    for answer, kind in ((as_json, "json"), (as_csv, "csv")):
        named = answer.headers["content-disposition"]
        assert named == f'attachment; filename="{reference(referral)}.{kind}"'
    assert (await newest(audited))["reason"] == "FILE"


async def test_the_ledger_is_of_a_referral_or_of_a_release(audited: Audited) -> None:
    """Who received which groups, until when, and what taking it back came to."""
    async with audited.office.person(DeskRole.PRIVACY_OFFICER) as page:
        await page.goto(f"/audit/referrals/{audited.told.recalled}/disclosures")
        await expect(page.locator("main")).to_contain_text("FG03 How to make contact safely")
        await expect(page.locator("main")).to_contain_text("asked 20")
        await page.goto("/audit/reports/disclosures")
        await page.get_by_label("A referral (ref-…) or the id of a release").fill(CONSENT)
        await page.get_by_role("button", name="Show it").click()
        assert page.url.endswith("/audit/reports/disclosures")
        for referral in (audited.told.served, audited.told.recalled):
            await expect(page.get_by_role("link", name=reference(referral)).first).to_be_visible()
        assert (await newest(audited))["about"] == CONSENT


async def test_deliveries_say_what_became_of_each(audited: Audited) -> None:
    """Seen, ended with another's yes, not delivered and why, stopped before it left, and what still waits when."""
    office, told = audited.office, audited.told
    await office.pool.execute(
        "INSERT INTO outbox (seq, lane, topic, attributes, value, referral_id, category, flow, recipient, subject,"
        " owner, send_after) VALUES (1, 0, 't', jsonb_build_object('type', 'org.warmhandoff.offer.made.v1', 'time',"
        " now()), '', $1, 'SHELTER', 'f', $2, $1, 'o', '2031-05-06T07:08:09Z')",
        *(told.undelivered, OTHER_SHELTER.org),
    )
    async with office.person(DeskRole.AUDITOR) as page:
        for referral, sayings in (
            (told.served, (Came.SEEN, Came.ENDED, Came.ON_ITS_WAY)),
            (told.undelivered, (Came.NOT_DELIVERED, Came.SEEN, Came.WAITS)),
        ):
            await page.goto(f"/audit/referrals/{referral}/deliveries")
            for came in sayings:
                await expect(page.locator("main")).to_contain_text(OUTCOMES[came])
        await expect(page.locator("main")).to_contain_text("REFUSED")
        await expect(page.locator("main")).to_contain_text("2031-05-06 07:08:09 UTC")
    assert set(OUTCOMES) == set(Came)


async def test_each_report_is_a_page_and_two_files(audited: Audited) -> None:
    """The same rows, and an entry for each time that it was asked."""
    by = {By.ABOUT: audited.told.recalled, By.REFERRAL: audited.told.recalled, By.ORG: HOTLINE.org}
    async with audited.office.person(DeskRole.AUDITOR) as page:
        for name, report in REPORTS.items():
            form = {} if report.by is None else {report.by.value: by[report.by]}
            assert (await got(page, f"/audit/reports/{name}")).status == 200
            before = await entries(audited)
            shown = await sent(page, f"/audit/reports/{name}", kind="page", **form)
            as_json = await sent(page, f"/audit/reports/{name}", kind="json", **form)
            as_csv = await sent(page, f"/audit/reports/{name}", kind="csv", **form)
            assert [one.status for one in (shown, as_json, as_csv)] == [200, 200, 200], name
            assert "now stands in the trail" in shown.text
            rows = [json.loads(line) for line in as_json.text.splitlines()]
            cells = list(csv.DictReader(io.StringIO(as_csv.text)))
            assert len(cells) == len(rows) + (name == "reads"), "who reads who reads is read about"
            assert rows or name in ("overdue", "policies"), "the stories have something of everything else"
            assert await entries(audited) == before + 3


async def test_no_cell_of_a_download_becomes_a_formula(audited: Audited) -> None:
    """An organisation whose name would be one is defused in the CSV, and is what it is in the JSON."""
    async with audited.office.person(DeskRole.AUDITOR) as page:
        as_csv = await sent(page, "/audit/reports/accounting", org=HOTLINE.org, kind="csv")
        as_json = await sent(page, "/audit/reports/accounting", org=HOTLINE.org, kind="json")
    names = {row["recipient_name"] for row in csv.DictReader(io.StringIO(as_csv.text))}
    assert f"'{FORMULA}" in names
    assert FORMULA not in names
    assert FORMULA in {json.loads(line)["recipient_name"] for line in as_json.text.splitlines()}
    assert as_csv.headers["content-disposition"] == 'attachment; filename="report.csv"'


async def test_what_is_not_there_is_not_there(audited: Audited) -> None:
    """A referral, a report, a table and a place that are none: the same page, and no entry."""
    unknown = "ref-00000000-0000-4000-8000-000000000000"
    before = await entries(audited)
    async with audited.office.person(DeskRole.AUDITOR) as page:
        paths = (
            *(f"/audit/referrals/{one}{rest}" for one in (unknown, "x") for rest in ("", "/disclosures")),
            *(f"/audit/referrals/{audited.told.served}/reads", "/audit/reports/people"),
        )
        answers = [await got(page, path) for path in paths]
        answers += [
            await sent(page, "/audit/reports/people", kind="page"),
            await sent(page, f"/audit/referrals/{unknown}/story", kind="json"),
            await sent(page, "/audit/log/entry", index="999999999"),
        ]
        assert {answer.status for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
    assert await entries(audited) == before


async def test_a_question_that_takes_too_long_shows_and_enters_nothing(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to do: ask of less."""
    monkeypatch.setattr(limits, "audit_seconds_max", 0.0)
    before = await entries(audited)
    async with audited.office.person(DeskRole.AUDITOR) as page:
        answer = await got(page, f"/audit/referrals/{audited.told.served}")
        assert (answer.status, "Ask of fewer days" in answer.text) == (503, True)
    assert await entries(audited) == before


async def test_nothing_of_a_person_is_anywhere(audited: Audited) -> None:
    """A name that stands in the tables is on no page, in no file, header, address or title."""
    told = audited.told
    async with audited.office.person(DeskRole.AUDITOR) as page:
        for path in (
            *("/audit", "/audit/log", "/audit/reports/reads"),
            *(f"/audit/referrals/{told.served}{rest}" for rest in ("", "?view=full", "/disclosures", "/deliveries")),
        ):
            answer = await page.goto(path)
            assert answer is not None
            whole = f"{await page.title()} {page.url} {await answer.all_headers()} {await page.content()}"
            assert CANARY not in whole, path
            assert await page.title() in ("Audit", "State of the log", reference(told.served)), path
        for path in (f"/audit/referrals/{told.served}/story", "/audit/reports/reads"):
            for kind in ("json", "csv"):
                taken = await sent(page, path, kind=kind)
                assert CANARY not in f"{taken.headers} {taken.text}"
    assert await audited.office.pool.fetchval(
        "SELECT count(*) FROM referral WHERE request::text LIKE $1", f"%{CANARY}%"
    )


def test_a_reference_leads_back_to_where_its_ids_begin() -> None:
    """The forty bits that it says are the first of the id; what is neither leads nowhere."""
    referral = ReferralId("ref-808c9d96-b8f3-4e87-aafc-81c74fbd0b00")
    assert beginning_of(reference_of(referral)) == "ref-808c9d96-b8"
    assert beginning_of(f" {referral} ") == referral
    assert [beginning_of(typed) for typed in ("", "Jane", "ref-x", SHELTER.org)] == [None] * 4
