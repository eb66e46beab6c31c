"""`handoff inbox` at a shell: the list has no identity, the safe contact comes first, details only on request."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from adapters.inbox.inbox import Inbox
from broker.errors import HandoffError
from broker.schemas.ids import OfferId, OrgId, ReferralId
from tests.adapters.network import ALIAS, SAFE_CONTACT, Installation, Run, until
from tests.conftest import KafkaForTest

HANDLE, NAME = str(SAFE_CONTACT["handle"]), str(ALIAS["alias"])


async def _offered(installation: Installation, inbox: Inbox, org: OrgId) -> tuple[OfferId, ReferralId, str]:
    offer_id, referral = await installation.voice.offer(org)

    async def there() -> bool:
        return any(offer.offer_id == offer_id for offer in await inbox.offers())

    await until(there)
    return offer_id, referral, (await inbox.find(offer_id)).reference


async def test_a_person_answers_at_the_shell(installation: Installation, kafka: KafkaForTest, run: Run) -> None:
    """List, show, accept, open, contact, service: the whole way, with what each step says."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral, reference = await _offered(installation, inbox, haven)
        listed = await run("list")
        shown = await run("show", reference.lower().replace("-", " "))
        accepted = await run("accept", reference)
        await installation.voice.release(haven, offer_id, referral)

        async def released() -> bool:
            return (await inbox.find(offer_id)).released

        await until(released)
        opened = await run("show", reference)
        revealed = await run("show", reference, "--contact", "--as", "SUPERVISOR")
        tried = await run("contact", reference, "--tried", "no_answer")
        reached = await run("contact", reference, "--made")
        started = await run("service", reference, "--started", "emergency_shelter")
        done = await run("service", reference, "--completed", "SHELTERED")
    assert re.fullmatch(rf"{reference}  P1  waiting  \d+ \w+  .*emergency shelter\n", listed.output) is not None
    assert "For: 1 adult and 2 children (ages 0-2, 6-9)" in shown.output
    assert "not safe tonight" in shown.output
    assert "contact pending" in accepted.output
    assert "It has reached the network." in accepted.output
    assert opened.output.startswith("HOW TO MAKE CONTACT SAFELY\n  Direct contact is safe as follows")
    assert NAME in opened.output
    assert "You may not pass this on (notice VAWA-LOCAL)." in opened.output
    assert HANDLE not in opened.output
    assert HANDLE in revealed.output
    assert [result.exit_code for result in (tried, reached, started, done)] == [0] * 4
    assert "completed" in done.output
    readings = await installation.rows("SELECT reader, contact_shown FROM reading ORDER BY reading_id")
    looked, noted = [("STAFF", False), ("SUPERVISOR", True)], [("STAFF", False)]
    assert [tuple(row) for row in readings] == [*looked, *noted], "whether an attempt was at her hours is looked up"


async def test_json_says_the_same_and_hides_the_same(installation: Installation, kafka: KafkaForTest, run: Run) -> None:
    """`--json` gives wire names, and contact details only with `--contact`."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral, reference = await _offered(installation, inbox, haven)
        await inbox.accept(offer_id)
        await installation.voice.release(haven, offer_id, referral)

        async def released() -> bool:
            return (await inbox.find(offer_id)).released

        await until(released)
        listed = json.loads((await run("list", "--json")).output)
        hidden = json.loads((await run("show", reference, "--json")).output)
        shown = json.loads((await run("show", reference, "--json", "--contact")).output)
    assert [(one["reference"], one["standing"]) for one in listed] == [(reference, "CONTACT_PENDING")]
    assert "opened" not in listed[0]
    assert "handle" not in hidden["opened"]["FG03"]
    assert shown["opened"]["FG03"]["handle"] == HANDLE
    assert hidden["opened"]["FG04"] == ALIAS


async def test_where_the_survivor_calls_no_details_are_ever_shown(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Do-not-contact shows none, asked for or not (pages.md §1 point 10)."""
    haven = await installation.serve(kafka.org("haven"))
    quiet = {"FG03": {**SAFE_CONTACT, "mode": "SURVIVOR_WILL_CALL"}}
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral, reference = await _offered(installation, inbox, haven)
        await inbox.accept(offer_id)
        await installation.voice.release(haven, offer_id, referral, quiet)

        async def released() -> bool:
            return (await inbox.find(offer_id)).released

        await until(released)
        said = [(await run("show", reference, "--contact", *more)).output for more in ((), ("--json",))]
    assert "Do not contact. The survivor will call you." in said[0]
    assert all(HANDLE not in output for output in said)


@pytest.mark.parametrize("confirmed_at", ["2026-03-04T01:55:00Z", "2099-03-04T01:55:00Z"], ids=["long ago", "in time"])
async def test_a_contact_that_was_not_confirmed_lately_is_not_shown(
    installation: Installation, kafka: KafkaForTest, run: Run, confirmed_at: str
) -> None:
    """NNEDV-07: stale is no contact (domain.md §2.5): nothing is shown until somebody has asked the source's worker.

    What is said to be confirmed in the future was not confirmed either, and would be fresh for ever.
    """
    haven = await installation.serve(kafka.org("haven"))
    old = {"FG03": {**SAFE_CONTACT, "lastConfirmedAt": confirmed_at}}
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral, reference = await _offered(installation, inbox, haven)
        before = await run("contact-confirmed", reference)
        await inbox.accept(offer_id)
        await installation.voice.release(haven, offer_id, referral, old)

        async def released() -> bool:
            return (await inbox.find(offer_id)).released

        await until(released)
        stale = [(await run("show", reference, "--contact", *more)).output for more in ((), ("--json",))]
        confirmed = await run("contact-confirmed", reference, "--as", "SUPERVISOR")
        fresh = [(await run("show", reference, "--contact", *more)).output for more in ((), ("--json",))]
    assert before.exit_code != 0
    assert "TOO LONG AGO to rely on: make no contact." in stale[0]
    assert f"handoff inbox contact-confirmed {reference}" in stale[0]
    assert all(HANDLE not in output for output in stale)
    assert confirmed.exit_code == 0
    assert all(HANDLE in output for output in fresh)


async def test_contact_details_are_shown_in_the_hours_that_the_survivor_named(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """At any other hour nothing is shown, asked for or not, and the panel says when to come back."""
    haven = await installation.serve(kafka.org("haven"))
    shown: dict[str, list[str]] = {}
    hour = {"startsAt": "00:00", "endsAt": "00:00", "timezone": "UTC"}
    in_three_days = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        for rrule in (f"FREQ=WEEKLY;BYDAY={in_three_days}", "FREQ=DAILY"):
            offer_id, referral, reference = await _offered(installation, inbox, haven)
            await inbox.accept(offer_id)
            await installation.voice.release(
                haven, offer_id, referral, {"FG03": {**SAFE_CONTACT, "windows": [{"rrule": rrule, **hour}]}}
            )

            async def released(offer_id: OfferId = offer_id) -> bool:
                return (await inbox.find(offer_id)).released

            await until(released)
            shown[rrule] = [(await run("show", reference, "--contact", *more)).output for more in ((), ("--json",))]
    outside, inside = shown.values()
    assert "NOT NOW: make no contact before" in outside[0]
    assert all(HANDLE not in output for output in outside)
    assert all(HANDLE in output for output in inside)


async def test_mistakes_are_told_with_what_to_do(installation: Installation, kafka: KafkaForTest, run: Run) -> None:
    """No such offer, twice answered, no organisation named where there are two, a code of another kind."""
    haven, _ = [await installation.serve(kafka.org(name)) for name in ("haven", "harbour")]
    async with installation.running() as zone:
        _, _, reference = await _offered(installation, zone.inbox(haven), haven)
        ours = ("--org", haven)
        providers = await run("providers")
        results = [
            await run("list"),
            await run("show", "0000-0000", *ours),
            await run("decline", reference, "--reason", "over_income", *ours),
            await run("decline", reference, "--reason", "no_capacity_beds", *ours),
            await run("accept", reference, *ours),
        ]
        wrong = await run("contact", reference, "--made", "--unreachable", *ours)
    assert providers.output.count("shelter") == 2
    faults = [result.exception for result in results]
    assert faults[3] is None
    told = [fault for fault in faults if fault is not None]
    assert all(isinstance(fault, HandoffError) and fault.remedy for fault in told)
    assert len(told) == 4
    assert (wrong.exit_code, "exactly one" in wrong.output) == (2, True)


async def test_an_answer_is_kept_while_nothing_runs(installation: Installation, kafka: KafkaForTest, run: Run) -> None:
    """With no process to send it the command says so, and that the answer is stored."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        _, _, reference = await _offered(installation, zone.inbox(haven), haven)
    accepted = await run("accept", reference)
    shown = await run("show", reference)
    assert accepted.exit_code == 0
    assert "Your answer is stored." in accepted.output
    assert "It has not left yet" in accepted.output
    assert "Your answer is stored and has not left yet." in shown.output
