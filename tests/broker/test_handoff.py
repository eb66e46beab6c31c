"""A live transfer: promised with the acceptance, begun and ended in time, or contact as usual and a human who knows."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed, HandoffFailure
from broker.schemas.handoff_started import HandoffStarted, PickedUp
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import Priority
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CALLBACK,
    CEDAR,
    HOTLINE,
    POLICE,
    SHELTERS,
    accepted,
    consent_of,
    declined,
    granted,
    release,
    request,
    revoked,
)
from tests.broker.letters import until
from tests.broker.test_release import SECRETS, sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Transfer:
    """One referral that a shelter has accepted, live as a rule, with what it says of it."""

    def __init__(self, county: County, referral: ReferralId, org: OrgId, offer: OfferId) -> None:
        self.county, self.referral, self.org, self.offer = county, referral, org, offer

    async def say(self, fact: EventData) -> tuple[str, str | None] | None:
        """The shelter's word; returns its refusal, if it was refused."""
        event = await self.county.say(self.org, fact, self.referral)
        await self.county.settled()
        return self.county.refusal(event)

    async def started(self, picked_up: PickedUp = PickedUp.WORKER) -> tuple[str, str | None] | None:
        """They are on one line."""
        return await self.say(HandoffStarted(offer_id=self.offer, taken_by=AcceptedBy.ON_CALL, picked_up=picked_up))

    async def completed(self) -> tuple[str, str | None] | None:
        """She is with the shelter."""
        return await self.say(HandoffCompleted(offer_id=self.offer))

    async def failed(self) -> tuple[str, str | None] | None:
        """It did not come about."""
        return await self.say(HandoffFailed(offer_id=self.offer, reason=HandoffFailure.CUT_OFF))

    async def stands(self) -> tuple[str, str | None, str | None]:
        """The need's state, what is due next, and from whom."""
        need = await self.county.need(self.referral)
        return need["state"], need["next_action"], need["owner"]

    async def minutes(self) -> float:
        """In how many minutes it is due."""
        left: timedelta = (await self.county.need(self.referral))["due_at"] - datetime.now(UTC)
        return left.total_seconds() / 60

    async def let_pass(self) -> None:
        """As if the time were over."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.county.pool.execute("UPDATE need SET due_at = $1 WHERE referral_id = $2", past, self.referral)

    async def falls_back(self) -> None:
        """Wait until contact is due as usual."""

        async def holds() -> bool:
            return (await self.stands())[0] == "CONTACT_PENDING"

        await until(holds)
        await self.county.settled()


async def transfer(county: County, *, live: bool = True, keys: bool = True) -> Transfer:
    """A hotline's referral with sealed groups, accepted; the keys are wrapped for everybody, or for nobody yet."""
    record, referral = release(*SHELTERS), new_referral_id()
    asked, parts = sealing(referral, SECRETS)
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    await county.say(HOTLINE, asked.model_copy(update={"priority": Priority.P1}), referral, consent=consent_of(record))
    if keys:
        await county.say(HOTLINE, wraps(county, referral, parts, *SHELTERS), referral)
    await county.settled()
    [(heard, made), *_] = county.events(OfferMade, about=referral)
    made_live = OfferAccepted(offer_id=made.offer_id, accepted_by=AcceptedBy.ON_CALL, live_transfer=live)
    await county.say(heard.org, made_live, referral)
    await county.settled()
    return Transfer(county, referral, heard.org, made.offer_id)


async def test_a_live_transfer_is_begun_then_ended_each_with_its_deadline_and_owner(served: County) -> None:
    """ACCEPTED, HANDOFF, ENGAGED: within the time of a receipt, then of contact; what is sealed goes out meanwhile."""
    one = await transfer(served)
    assert await one.stands() == ("ACCEPTED", "CHASE_HANDOFF", one.org)
    assert 10 < await one.minutes() <= 15
    assert served.facts(DisclosureReleased, org=one.org, about=one.referral)
    assert await one.started(PickedUp.BACKUP) is None
    assert await one.stands() == ("HANDOFF", "CHASE_HANDOFF", one.org)
    assert 100 < await one.minutes() <= 120
    assert await one.completed() is None
    assert await one.stands() == ("ENGAGED", "CHASE_OUTCOME", one.org)
    assert await served.work(one.referral) == []


async def test_who_picked_up_is_a_role_on_the_trail_and_nothing_the_source_hears(served: County) -> None:
    """No number, no name; and without a release the source hears of it as little as of any step (VAWA-12)."""
    one = await transfer(served)
    await one.started()
    await one.completed()
    rows = await served.pool.fetch("SELECT preimage FROM trail_entry WHERE referral_id = $1", one.referral)
    told = b"\n".join(bytes(row["preimage"]) for row in rows).decode()
    assert '"takenBy":"ON_CALL","pickedUp":"WORKER"' in told
    assert CALLBACK not in told
    for status in served.facts(ReferralStatus, org=HOTLINE, about=one.referral):
        assert (status.state, status.acknowledgment) == (None, None) or status.acknowledgment == "A2"


async def test_where_it_does_not_come_about_contact_is_due_as_usual(served: County) -> None:
    """Begun or not, the provider keeps the need, with the deadline for contact counted from now."""
    one, other = await transfer(served), await transfer(served)
    await one.started()
    assert await one.failed() is None
    assert await other.failed() is None
    for each in (one, other):
        assert await each.stands() == ("CONTACT_PENDING", "CHASE_CONTACT", each.org)
        assert 100 < await each.minutes() <= 120
    assert await one.say(ContactMade(offer_id=one.offer)) is None
    assert (await one.stands())[0] == "ENGAGED"


@pytest.mark.parametrize("begun", [False, True])
async def test_a_promise_that_is_not_kept_comes_before_a_human_and_late_words_still_count(
    served: County, *, begun: bool
) -> None:
    """Contact is due as usual from then on. That it came about after all is noted, and ends the human's task."""
    one = await transfer(served)
    if begun:
        await one.started()
    await one.let_pass()
    await one.falls_back()
    assert await one.stands() == ("CONTACT_PENDING", "CHASE_CONTACT", one.org)
    assert await served.work(one.referral) == ["HANDOFF_OVERDUE"]
    assert "deadline.passed" in await served.steps(one.referral)
    assert await one.started() is None
    assert (await one.stands())[0] == "CONTACT_PENDING"
    assert await one.completed() is None
    assert (await one.stands())[0] == "ENGAGED"
    open_still = "SELECT count(*) FROM work_item WHERE referral_id = $1 AND resolved_at IS NULL"
    assert await served.pool.fetchval(open_still, one.referral) == 0


@pytest.mark.parametrize("overdue", [False, True])
async def test_keys_that_are_still_missing_do_not_hide_the_transfer(served: County, *, overdue: bool) -> None:
    """The source is asked at once, and once more where contact has to be made as usual."""
    one = await transfer(served, keys=False)
    assert (await one.stands())[:2] == ("ACCEPTED", "CHASE_HANDOFF")
    assert len(served.facts(RecipientChosen, org=HOTLINE, about=one.referral)) == 1
    if overdue:
        await one.let_pass()
        await one.falls_back()
    else:
        assert await one.failed() is None
    assert len(served.facts(RecipientChosen, org=HOTLINE, about=one.referral)) == 2
    assert (await one.stands())[:2] == ("CONTACT_PENDING", "CHASE_KEYS")
    assert await served.work(one.referral) == (["HANDOFF_OVERDUE"] if overdue else [])


async def test_an_acceptance_without_the_promise_is_as_it_was(served: County) -> None:
    """Contact is due; the beginning of a transfer is noted all the same, and its end is contact."""
    one = await transfer(served, live=False)
    assert await one.stands() == ("CONTACT_PENDING", "CHASE_CONTACT", one.org)
    assert await one.started() is None
    assert (await one.stands())[0] == "CONTACT_PENDING"
    assert await one.completed() is None
    assert await one.completed() == ("TRANSITION_IMPOSSIBLE", None)
    assert await one.started() == ("TRANSITION_IMPOSSIBLE", "offerId")


async def test_it_can_be_given_back_before_it_has_begun_and_taken_back_while_it_lasts(served: County) -> None:
    """Given back: the next one is asked. Consent taken back under way: over, and asked back."""
    one, other = await transfer(served), await transfer(served)
    assert await one.say(declined(one.offer)) is None
    assert (await one.stands())[0] == "OFFERED"
    await other.started()
    record = await served.pool.fetchval("SELECT consent_id FROM referral WHERE referral_id = $1", other.referral)
    await served.say(HOTLINE, revoked(), record)
    await served.settled()
    assert (await other.stands())[0] == "REVOKED"


async def test_nobody_is_called_after_their_shift(served: County) -> None:
    """An offer names the worker until the shift ends, then the backup; where there is none, nobody."""
    ended = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    later = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    backup = {"role": "SUPERVISOR", "callback": "+15555550188"}
    worker = {"role": "OFFICER", "callback": CALLBACK}
    told = []
    for contact in (
        {**worker, "shiftEndsAt": later, "backup": backup},
        {**worker, "shiftEndsAt": ended, "backup": backup},
        {**worker, "shiftEndsAt": ended},
    ):
        referral = new_referral_id()
        await served.say(POLICE, request(workerContact=contact), referral)
        await served.settled()
        [made, *_] = served.facts(OfferMade, about=referral)
        shown = made.worker_contact
        told.append(None if shown is None else (shown.role.value, shown.callback, shown.backup is not None))
    assert told == [("OFFICER", CALLBACK, True), ("SUPERVISOR", "+15555550188", False), None]


async def test_a_foreign_word_about_a_transfer_is_refused_like_one_about_nothing(served: County) -> None:
    """Another shelter cannot begin or end it."""
    one = await transfer(served)
    other = CEDAR if one.org == BIRCH else BIRCH
    event = await served.say(other, HandoffCompleted(offer_id=one.offer), one.referral)
    again = await served.say(one.org, accepted(one.offer), one.referral)
    await served.settled()
    assert served.refusal(event) == ("OFFER_UNKNOWN", "offerId")
    assert served.refusal(again) == ("OFFER_ALREADY_ANSWERED", "offerId")
    assert (await one.stands())[0] == "ACCEPTED"
