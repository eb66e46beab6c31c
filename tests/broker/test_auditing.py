"""What auditors ask is answered from the trail, in rows; who asks stands in it, too; nobody can be searched for."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from fhir.resources.R4B import get_fhir_model_class
from typer.main import get_command
from typer.testing import CliRunner

from broker.cli import app
from broker.commands import audit
from broker.commands.rows import Form, printed, safe_cell
from broker.schemas.break_glass_vocabulary import new_break_glass_id
from broker.schemas.contact_made import ContactMade
from broker.schemas.delivery_failed import DeliveryFailed, DeliveryFailure
from broker.schemas.event import Flow
from broker.schemas.ids import OrgId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.vocabulary import OrgClass
from broker.store import auditing
from broker.store.audit_rows import EmergencyRow, FailureRow
from broker.store.auditing import Asking
from broker.trail.audit_event import audit_event
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    CLINIC,
    HOTLINE,
    POLICE,
    card,
    consent_of,
    granted,
    release,
    request,
    revoked,
)
from tests.broker.shell import at_home, run
from tests.broker.test_breaking_glass import approved, invoked, reviewed, unasked
from tests.broker.test_offers import requested
from tests.broker.test_recalls import HELD, handed_over, let_pass
from tests.broker.test_release import accepting, sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

AUDITOR = Asking("role:auditor")


async def test_the_ledger_says_who_received_what_and_until_when(served: County) -> None:
    """Of a referral and a consent: the offer without identity, the groups, their end, and what taking back came to."""
    record = release(BIRCH, CEDAR)
    referral, org, offer = await handed_over(served, record)
    async with served.pool.acquire() as connection:
        offered, released = (await auditing.disclosures(connection, AUDITOR, referral)).rows
        assert (offered.phase, offered.recipient, "FG03" in offered.groups) == ("OFFER", org, False)
        assert (released.phase, released.recipient, set(released.groups)) == ("RELEASE", org, set(HELD))
        assert released.until is not None
        assert abs(datetime.fromisoformat(released.until) - record.validity.not_after) < timedelta(seconds=1)
        assert (released.basis, released.consents) == ("RELEASE", (f"{record.consent_id}/1",))
        assert released.taken_back is None
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    async with served.pool.acquire() as connection:
        rows = (await auditing.disclosures(connection, AUDITOR, record.consent_id)).rows
        assert {row.referral for row in rows} == {referral}
        assert (rows[-1].taken_back or "").startswith("asked ")
    complied = RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED)
    await served.say(org, complied, referral)
    await served.settled()
    async with served.pool.acquire() as connection:
        answer = await auditing.disclosures(connection, AUDITOR, referral)
        assert (answer.rows[-1].taken_back or "").startswith("COMPLIED ")
        assert answer.sound


async def test_a_covered_entity_accounts_for_its_disclosures(served: County) -> None:
    """Date, recipient with its name, what, purpose and basis; by whose authorization it is exempt; nobody else's."""
    hospital = OrgId("org-hospital-north")
    await served.onboard(card(hospital, OrgClass.HOSPITAL_HIPAA))
    record, referral = release(BIRCH, CEDAR, by=hospital, regimes=["HIPAA-AUTH"]), new_referral_id()
    asked, parts = sealing(referral, HELD)
    await served.say(hospital, granted(record), record.consent_id)
    await served.settled()
    await served.say(hospital, asked, referral, consent=consent_of(record))
    await served.say(hospital, wraps(served, referral, parts, BIRCH, CEDAR), referral)
    await served.settled()
    org, _ = await accepting(served, referral)
    async with served.pool.acquire() as connection:
        [row] = (await auditing.accounting(connection, AUDITOR, hospital)).rows
        before = AUDITOR._replace(until=datetime.now(UTC) - timedelta(days=1))
        assert not (await auditing.accounting(connection, before, hospital)).rows
    assert (row.recipient, row.recipient_name, row.referral, row.purpose) == (org, org, referral, "SHELTER")
    assert set(row.what) == set(HELD)
    assert row.basis.startswith("AUTH_164_508 D4")
    assert record.consent_id in row.basis
    assert row.exempt is not None
    assert "authorization" in row.exempt


async def test_a_provider_that_is_covered_accounts_for_what_it_tells_the_source(served: County) -> None:
    """A clinic's feedback is its disclosure to the police, by her authorization: its accounting has it, theirs not."""
    referral = new_referral_id()
    asked = {"services": ["MEDICAL_CARE"], "priority": "P2"}
    await served.say(POLICE, request(**asked), referral)
    await served.settled()
    scope = {"fieldGroups": ["FG25"], "maxTier": 4}
    record = release(POLICE, by=CLINIC, regimes=["HIPAA-AUTH"], purposes=["STATUS_FEEDBACK"], dataScope=scope)
    await served.post(served.letter(CLINIC, granted(record), record.consent_id, flow=Flow.PROVIDER_TO_BROKER))
    await served.settled()
    org, offer = await accepting(served, referral, consent=consent_of(record))
    await served.say(CLINIC, ContactMade(offer_id=offer), referral)
    await served.settled()
    async with served.pool.acquire() as connection:
        rows = (await auditing.accounting(connection, AUDITOR, CLINIC)).rows
        assert [
            row for row in (await auditing.accounting(connection, AUDITOR, POLICE)).rows if row.what == ("FG25",)
        ] == []
    told = [row for row in rows if row.referral == referral]
    assert org == CLINIC
    assert {(row.recipient, row.what, row.purpose) for row in told} == {(POLICE, ("FG25",), "HEALTHCARE")}
    assert len(told) == sum(one.state is not None for one in served.facts(ReferralStatus, org=POLICE, about=referral))
    assert told[0].basis.startswith("AUTH_164_508 D2")
    assert record.consent_id in told[0].basis
    assert "authorization" in (told[0].exempt or "")


async def test_what_is_owed_and_late_is_named_with_whoever_owes_it(served: County) -> None:
    """A taking back that nobody has confirmed in time, and none that is still in time."""
    record = release(BIRCH, CEDAR)
    referral, org, _ = await handed_over(served, record)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()

    async def owed() -> list[tuple[str, str | None]]:
        async with served.pool.acquire() as connection:
            rows = (await auditing.overdue(connection, AUDITOR)).rows
        return [(row.owed, row.by) for row in rows if row.referral == referral]

    assert await owed() == []
    await let_pass(served, referral)
    assert ("REVOCATION", org) in await owed()


async def test_who_reads_is_read_about(served: County) -> None:
    """An auditor's question is an entry that the next one finds; so is an offer that a provider has seen."""
    referral = await requested(served, priority="P2")
    [(heard, made)] = served.events(OfferMade, about=referral)
    await served.say(heard.org, OfferReceipted(offer_id=made.offer_id), referral)
    await served.settled()
    async with served.pool.acquire() as connection:
        await auditing.disclosures(connection, Asking("wrk-7f21"), referral)
        rows = (await auditing.reads(connection, AUDITOR, referral)).rows
        [*_, mine] = (await auditing.reads(connection, AUDITOR, referral)).rows
    assert [(row.who, row.what) for row in rows] == [(heard.org, "OFFER"), ("wrk-7f21", "DISCLOSURES")]
    assert (mine.who, mine.what, mine.about, mine.entries) == ("role:auditor", "READS", referral, 2)


async def test_changed_rules_and_failed_deliveries_are_told(served: County) -> None:
    """The pack that came in force, and to whom nothing could be handed over, by the code that its zone gave."""
    referral = await requested(served, priority="P2")
    [(heard, made)] = served.events(OfferMade, about=referral)

    async def failed() -> dict[tuple[str, str], int]:
        async with served.pool.acquire() as connection:
            rows: list[FailureRow] = list((await auditing.failures(connection, AUDITOR)).rows)
        return {(row.recipient, row.code): row.times for row in rows}

    before = (await failed()).get((heard.org, "NO_WAY"), 0)
    await served.say(heard.org, DeliveryFailed(offer_id=made.offer_id, code=DeliveryFailure.NO_WAY), referral)
    await served.settled()
    assert (await failed())[heard.org, "NO_WAY"] == before + 1
    async with served.pool.acquire() as connection:
        changes = (await auditing.policies(connection, AUDITOR)).rows
    assert any(row.what == "policy.activated" and (row.now or "").startswith("us-federal-vawa/") for row in changes)
    assert any(row.about == BIRCH for row in changes)


async def test_an_emergency_is_told_with_its_approval_and_its_review(served: County) -> None:
    """Who opened what to whom; what is owed of it shrinks with each word, and the reviewer is named by reference."""
    referral, _ = await unasked(served)
    glass = new_break_glass_id()

    async def told() -> EmergencyRow:
        async with served.pool.acquire() as connection:
            rows = (await auditing.emergencies(connection, AUDITOR)).rows
        return next(row for row in rows if row.emergency == glass)

    owed = []
    for word in (invoked(glass, BIRCH), approved(glass), reviewed(glass)):
        await served.say(POLICE, word, referral)
        await served.settled()
        owed.append((await told()).owed)
    assert owed == ["approval", "review", None]
    found = await told()
    assert (found.source, found.recipient, found.referral) == (POLICE, BIRCH, referral)
    assert (found.approved_by, found.reviewed_by, found.outcome) == ("wrk-0c55", "wrk-a3d9", "JUSTIFIED")


async def test_entries_are_fhir_audit_events(served: County) -> None:
    """Every entry of a whole referral validates, names who acted and who received, and no patient."""
    referral, org, _ = await handed_over(served, release(BIRCH, CEDAR))
    async with served.pool.acquire() as connection:
        lines = (await auditing.audit_lines(connection, AUDITOR, referral)).rows
    events = [audit_event(line, "org-broker") for line in lines]
    assert len(events) > 5
    for event in events:
        get_fhir_model_class("AuditEvent").model_validate(event)
    [released] = [one for one in events if one["subtype"][0]["code"] == "disclosure.released"]
    assert org in [agent["who"]["identifier"]["value"] for agent in released["agent"] if not agent["requestor"]]
    assert "Patient" not in json.dumps(events)


async def test_each_question_is_a_command_for_people_programs_and_spreadsheets(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows as a table, as JSON lines and as CSV; the story is `trail show`, and no second one."""
    at_home(served, monkeypatch)
    referral, org, _ = await handed_over(served, release(BIRCH, CEDAR))
    as_json = await run("audit", "disclosures", referral, "--json")
    rows = [json.loads(line) for line in as_json.output.splitlines()]
    assert [row["phase"] for row in rows] == ["OFFER", "RELEASE"]
    as_csv = await run("audit", "disclosures", referral, "--csv", "--by", "role:privacy-officer")
    [header, *cells] = csv.reader(io.StringIO(as_csv.output))
    assert [dict(zip(header, line, strict=True))["recipient"] for line in cells] == [org, org]
    assert org in (await run("audit", "disclosures", referral)).output
    for question in (["overdue"], ["emergencies"], ["reads"], ["policies"], ["failures"], ["accounting", HOTLINE]):
        done = await run("audit", *question, "--json")
        assert done.exit_code == 0, done.output
    story = await run("audit", "story", referral)
    assert "disclosure.released" in story.output
    [header, *cells] = csv.reader(io.StringIO((await run("audit", "story", referral, "--csv")).output))
    told = [dict(zip(header, line, strict=True)) for line in cells]
    published = [one["actor"] for one in told if "referral.requested.v1" in one["facts"]]
    assert published == [HOTLINE], "who published it, under which version of the schema"
    asked = json.loads((await run("audit", "fhir", "--referral", referral)).output.splitlines()[0])
    assert asked["resourceType"] == "AuditEvent"
    assert (await run("audit", "disclosures", "Jane Doe")).exit_code == 2
    assert (await run("audit", "reads", "--by", "Jane Doe")).exit_code == 2


async def test_nobody_can_be_searched_for() -> None:
    """By referral, consent, organisation or time: no question has another way to ask."""
    group = get_command(audit.app)
    asked = {(name, one.name) for name, command in group.commands.items() for one in command.params}  # type: ignore[attr-defined]
    ways = {name for _, name in asked} - {"as_json", "as_csv", "by"}
    assert ways == {"about", "org", "referral", "since", "until"}
    assert CliRunner().invoke(app, ["audit", "--help"]).exit_code == 0


async def test_a_table_fits_the_screen_or_is_told_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns in which nothing stands are left out; nothing is cut off."""
    rows = [{"recipient": "org-shelter-birch", "taken_back": None, "groups": ("FG03", "FG04")}]
    monkeypatch.setenv("COLUMNS", "80")
    assert list(printed(rows, Form.TEXT)) == ["RECIPIENT          GROUPS", "org-shelter-birch  FG03 FG04"]
    monkeypatch.setenv("COLUMNS", "20")
    assert list(printed(rows, Form.TEXT)) == ["recipient  org-shelter-birch", "groups     FG03 FG04", ""]


async def test_no_cell_becomes_a_formula() -> None:
    """What a spreadsheet would take for one begins with an apostrophe, in every form that OWASP names."""
    for begin in ("=", "+", "-", "@", "\t", "\r"):
        assert safe_cell(f"{begin}1") == f"'{begin}1"
    [_, line] = printed([{"a": "=HYPERLINK()", "b": ("-1", "x"), "c": None}], Form.CSV)
    assert line == "'=HYPERLINK(),'-1 x,"
