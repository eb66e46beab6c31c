"""A live transfer at a provider's desk: first where it is urgent, step by step, and nobody after their shift."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic_core import to_json

from adapters.errors import AnswerNotPossible
from adapters.inbox.inbox import Inbox
from adapters.standing import Standing
from adapters.words import as_of, call_back
from broker.schemas.clear_groups import WorkerContact
from broker.schemas.handoff_failed import HandoffFailure
from broker.schemas.handoff_started import HandoffStarted, PickedUp
from broker.schemas.ids import OrgId, new_offer_id, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from tests.adapters.network import Installation, Run, until
from tests.conftest import KafkaForTest

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SHIFT = {
    "role": "OFFICER",
    "callback": "+15555550110",
    "shiftEndsAt": "2026-03-04T04:00:00Z",
    "backup": {"role": "SUPERVISOR", "callback": "+15555550188"},
}


async def _offered(installation: Installation, inbox: Inbox, org: OrgId, **changes: Any) -> str:
    """An offer that is here; its reference."""
    offer_id = new_offer_id()
    made = OfferMade.read(to_json({**OfferMade.EXAMPLE, "offerId": offer_id, **changes}))
    await installation.voice.say(org, made, new_referral_id())

    async def there() -> bool:
        return any(offer.offer_id == offer_id for offer in await inbox.offers())

    await until(there)
    return (await inbox.find(offer_id)).reference


async def test_an_urgent_offer_asks_for_a_live_transfer_first_and_each_step_says_the_next(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Accept live, call, say who picked up by role, say that she is there: three events, in their order."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        reference = await _offered(installation, zone.inbox(haven), haven)
        waiting = await run("show", reference)
        accepted = await run("accept", reference, "--live", "--as", "ON_CALL")
        promised = await run("show", reference)
        started = await run("handoff", reference, "--started", "backup", "--as", "ON_CALL")
        under_way = await run("show", reference)
        completed = await run("handoff", reference, "--completed")
        answers = await installation.voice.answers(haven, count=4)
    assert "LIVE TRANSFER FIRST: if you can call the worker now" in waiting.output
    assert f"  handoff inbox accept {reference} --live\n" in waiting.output
    assert "accepted" in accepted.output
    assert "CALL THE WORKER NOW." in promised.output
    assert f"handoff inbox handoff {reference} --failed NO_ANSWER" in promised.output
    assert started.exit_code == 0
    assert f"handoff inbox handoff {reference} --completed" in under_way.output
    assert "engaged" in completed.output
    types = [answer.envelope.type.split(".", 2)[2] for answer in answers]
    assert types == ["offer.receipted.v1", "offer.accepted.v1", "handoff.started.v1", "handoff.completed.v1"]
    assert OfferAccepted.read(answers[1].data).live_transfer
    told = HandoffStarted.read(answers[2].data)
    assert (told.taken_by, told.picked_up) == (AcceptedBy.ON_CALL, PickedUp.BACKUP)


async def test_what_does_not_come_about_goes_on_as_usual_and_steps_are_not_skipped(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Failed, begun or not: contact is pending. Nothing ends before it has begun; only one thing is said at a time."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        reference = await _offered(installation, inbox, haven)
        offer_id = (await inbox.find(reference)).offer_id
        with pytest.raises(AnswerNotPossible):
            await inbox.handoff_started(offer_id, PickedUp.WORKER, by=AcceptedBy.STAFF)
        assert (await inbox.accept(offer_id, live=True)).standing is Standing.ACCEPTED
        with pytest.raises(AnswerNotPossible):
            await inbox.handoff_completed(offer_id)
        both = await run("handoff", reference, "--completed", "--failed", "CUT_OFF")
        assert both.exit_code == 2
        assert (await inbox.handoff_failed(offer_id, HandoffFailure.NO_ANSWER)).standing is Standing.CONTACT_PENDING
        assert (await inbox.contact_made(offer_id)).standing is Standing.ENGAGED


async def test_a_shift_that_is_over_hides_its_number_and_names_the_backup_or_says_that_there_is_none(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """By the clock of now, not of when the offer came; for programs too."""
    haven = await installation.serve(kafka.org("haven"))
    ended = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        named = await _offered(installation, inbox, haven, workerContact={**SHIFT, "shiftEndsAt": ended})
        bare = await _offered(
            installation,
            inbox,
            haven,
            workerContact={"role": "OFFICER", "callback": SHIFT["callback"], "shiftEndsAt": ended},
        )
        shown, machine, nobody = await run("show", named), await run("show", named, "--json"), await run("show", bare)
    assert "Call back: supervisor, +15555550188" in shown.output
    assert "+15555550188" in machine.output
    assert "Call back: nobody. The worker's shift is over" in nobody.output
    assert "LIVE TRANSFER" not in nobody.output
    for told in (shown, machine, nobody):
        assert str(SHIFT["callback"]) not in told.output


def test_the_number_is_good_until_the_minute_in_which_the_shift_ends() -> None:
    """Before it, worker and backup are named; from then on, the backup alone."""
    offer = OfferMade.read(to_json({**OfferMade.EXAMPLE, "workerContact": SHIFT}))
    assert call_back(as_of(offer, NOW)) == (
        "officer, +15555550110, until 4 Mar 2026, 04:00 (UTC); then supervisor, +15555550188"
    )
    assert call_back(as_of(offer, NOW + timedelta(hours=2))) == "supervisor, +15555550188"
    worker = WorkerContact.model_validate_json(to_json({name: SHIFT[name] for name in SHIFT if name != "backup"}))
    assert worker.at(NOW) is worker
    assert worker.at(NOW + timedelta(hours=2)) is None


async def test_the_roster_says_whose_turn_it_is_and_belongs_to_one_provider(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Set, replaced, shown beside an urgent offer, struck out; another organisation of the installation sees none."""
    haven = await installation.serve(kafka.org("haven"))
    form = "%Y-%m-%dT%H:%MZ"
    now = datetime.now(UTC)
    begun, over = f"{now - timedelta(hours=1):{form}}", f"{now + timedelta(hours=1):{form}}"
    turn = ("on_call", "--from", begun, "--until", over)
    later = ("supervisor", "--from", over, "--until", f"{now + timedelta(hours=9):{form}}")
    async with installation.running() as zone:
        reference = await _offered(installation, zone.inbox(haven), haven)
        empty = await run("roster", "list")
        wrong = [
            await run("roster", "set", *turn, "--number", "555"),
            await run("roster", "set", "staff", "--from", over, "--until", begun, "--number", "+15555550120"),
        ]
        await run("roster", "set", *turn, "--number", "+15555550120")
        await run("roster", "set", *turn, "--number", "+15555550121")
        await run("roster", "set", *later, "--number", "+15555550122")
        listed, shown = await run("roster", "list"), await run("show", reference)
        cleared = await run("roster", "clear", "on_call", "--from", begun)
        again, after = await run("roster", "clear", "on_call", "--from", begun), await run("show", reference)
        other = await installation.serve(kafka.org("grove"))
        foreign = await run("roster", "list", "--org", other)
    assert "NOBODY IS ON CALL NOW." in empty.output
    assert [result.exit_code for result in wrong] == [2, 2]
    lines = listed.output.splitlines()
    assert [line.split()[0] for line in lines] == ["on", "supervisor"]
    assert ("+15555550121" in lines[0], lines[0].endswith("NOW"), lines[1].endswith("NOW")) == (True, True, False)
    assert "On call here now: on call, +15555550121" in shown.output
    assert (cleared.exit_code, again.exit_code) == (0, 1)
    assert "On call here now" not in after.output
    assert "+15555550122" not in foreign.output
