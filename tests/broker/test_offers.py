"""Offers on the real broker: nobody is named in one, the first acceptance wins, and no need is left to nobody."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from broker.composition import Process
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.field_groups import GROUPS
from broker.schemas.ids import ReferralId, new_offer_id, new_referral_id
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import Acknowledgment, CoarseState, WithdrawReason
from tests.broker.county import County
from tests.broker.facts import HOTLINE, POLICE, SHELTERS, accepted, declined, granted, release, request
from tests.broker.letters import Heard, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def requested(county: County, **changes: object) -> ReferralId:
    """A referral of the police that has been taken in."""
    referral = new_referral_id()
    await county.say(POLICE, request(**changes), referral)
    await county.settled()
    return referral


async def test_an_offer_names_nobody(served: County) -> None:
    """Phase 1: the coarse need and a worker's number, no ciphertext, no key, no source, no incident."""
    referral = await requested(served)
    offers = served.events(OfferMade, about=referral)
    assert len(offers) == 2, "P1 is offered to two at once"
    for heard, made in offers:
        assert made.need_summary is not None
        assert made.need_summary.children == 2
        for hidden in (b"ciphertext", b"AAAAAAAA", POLICE.encode(), b"FG03", b"sealed"):
            assert hidden not in heard.record
        assert heard.envelope.offerid == made.offer_id
        assert heard.envelope.expirytime == made.answer_by


async def test_what_a_release_excludes_is_in_no_offer(served: County) -> None:
    """Named by group and property; the rest of the group is told."""
    scope = {"fieldGroups": list(GROUPS), "maxTier": 4, "excludedFields": ["accessNeeds.preferredLanguage"]}
    record, referral = release(dataScope=scope), new_referral_id()
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.say(HOTLINE, request(), referral, consent=(record.consent_id, 1))
    await served.settled()
    offers = served.facts(OfferMade, about=referral)
    assert offers
    for made in offers:
        assert made.access_needs is not None
        assert made.access_needs.interpreter
        assert made.access_needs.preferred_language is None


async def test_the_first_of_fifty_acceptances_wins(served: County) -> None:
    """Three providers say yes 17 times each at the same moment: one has it, and each of the others hears why not."""
    referral = await requested(served, priority="P0")
    offers = {fact.offer_id: heard.org for heard, fact in served.events(OfferMade, about=referral)}
    assert len(offers) == 3
    letters = [served.letter(org, accepted(offer), referral) for offer, org in offers.items() for _ in range(17)]
    await asyncio.gather(*(served.post(letter) for letter in letters))
    await served.settled()
    [won] = await served.offers(referral, state="ACCEPTED")
    assert (await served.need(referral))["provider"] == won["provider"]
    codes = Counter((heard.org == won["provider"], fact.code.value) for heard, fact in _refused(served, referral))
    assert codes == {(True, "OFFER_ALREADY_ANSWERED"): 16, (False, "OFFER_TAKEN"): 34}
    withdrawn = served.events(OfferWithdrawn, about=referral)
    assert {heard.org for heard, _ in withdrawn} == set(SHELTERS) - {won["provider"]}
    assert {fact.reason for _, fact in withdrawn} == {WithdrawReason.TAKEN_BY_OTHER}
    assert len(withdrawn) == 2


def _refused(county: County, referral: str) -> list[tuple[Heard, EventRefused]]:
    return [(heard, fact) for heard, fact in county.events(EventRefused, about=referral)]


async def test_an_acceptance_and_a_decline_at_once_have_one_outcome(served: County) -> None:
    """Whichever was first stands; the other is refused, and no state lies between (lessons.md §5)."""
    for _ in range(5):
        referral = await requested(served, priority="P2")
        [(heard, made)] = served.events(OfferMade, about=referral)
        yes = served.letter(heard.org, accepted(made.offer_id), referral)
        no = served.letter(heard.org, declined(made.offer_id), referral)
        await asyncio.gather(served.post(yes), served.post(no))
        await served.settled()
        state = (await served.offers(referral, offer_id=made.offer_id))[0]["state"]
        # A decline after an acceptance gives the place back: it is an answer too, and somebody else is asked.
        assert state in ("DECLINED", "WITHDRAWN")
        assert served.refusal(yes.event_id) in (None, ("OFFER_ALREADY_ANSWERED", "offerId"))
        assert (served.refusal(yes.event_id) is None) == (state == "WITHDRAWN")
        assert len(await served.offers(referral)) == 2, "the next provider is asked"


async def test_each_decline_asks_the_next_and_the_last_one_a_human(served: County) -> None:
    """Three shelters without a bed: asked one after the other, then the need stands on the work list."""
    referral = await requested(served, priority="P2")
    asked = []
    for _ in SHELTERS:
        [offer] = await served.offers(referral, state="MADE")
        asked.append(offer["provider"])
        await served.say(offer["provider"], declined(offer["offer_id"]), referral)
        await served.settled()
    assert sorted(asked) == sorted(SHELTERS)
    assert (await served.need(referral))["state"] == "NO_MATCH"
    assert await served.work(referral) == ["NOBODY_LEFT"]
    assert served.facts(ReferralStatus, org=POLICE, about=referral)[-1].coarse is CoarseState.IN_PROGRESS


async def test_a_place_in_the_queue_stays_open_while_others_are_asked(served: County) -> None:
    """Waitlisted is neither a yes nor a no."""
    referral = await requested(served, priority="P2")
    [(first, made)] = served.events(OfferMade, about=referral)
    await served.say(first.org, OfferWaitlisted(offer_id=made.offer_id), referral)
    await served.settled()
    assert [offer["state"] for offer in await served.offers(referral)] == ["WAITLISTED", "MADE"]
    await served.say(first.org, accepted(made.offer_id), referral)
    await served.settled()
    assert (await served.need(referral))["provider"] == first.org
    assert len(served.events(OfferWithdrawn, about=referral)) == 1


async def test_a_receipt_is_told_to_the_source_once(served: County) -> None:
    """A2 says nothing about the person: the police may hear it. Two receipts are one."""
    referral = await requested(served)
    for heard, made in served.events(OfferMade, about=referral):
        await served.say(heard.org, OfferReceipted(offer_id=made.offer_id), referral, times=2)
    await served.settled()
    told = served.facts(ReferralStatus, org=POLICE, about=referral)
    assert [fact.acknowledgment for fact in told] == [Acknowledgment.A2_RECEIPTED]


async def test_deadlines_pass_once_however_many_clocks_there_are(served: County) -> None:
    """Twelve offers run out under three clocks: each expires once, and each need goes to the next provider (F18)."""
    referrals = [await requested(served, priority="P2") for _ in range(12)]
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(served.broker(Process.CLOCK))
        await _let_pass(served, referrals)
        await until(lambda: _all_offered_twice(served, referrals))
        await served.settled()
    for referral in referrals:
        assert len(served.events(OfferExpired, about=referral)) == 1
        assert [offer["state"] for offer in await served.offers(referral)] == ["EXPIRED", "MADE"]
        [(old, _), (new, _)] = served.events(OfferMade, about=referral)
        assert old.org != new.org


async def _let_pass(county: County, referrals: list[ReferralId]) -> None:
    """As if the offers' time were over: the database's clock is the only one that counts, so its rows are older."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    await county.pool.execute(
        "UPDATE offer SET answer_by = $1 WHERE referral_id = ANY($2::text[]) AND state = 'MADE'", past, referrals
    )
    await county.pool.execute("UPDATE need SET due_at = $1 WHERE referral_id = ANY($2::text[])", past, referrals)


async def _all_offered_twice(county: County, referrals: list[ReferralId]) -> bool:
    found = "SELECT count(*) FROM offer WHERE referral_id = ANY($1::text[])"
    return bool(await county.pool.fetchval(found, referrals) == 2 * len(referrals))


async def test_an_answer_after_the_deadline_is_refused_with_its_own_code(served: County) -> None:
    """OFFER_EXPIRED, and the provider learns whom to call; the need stays with whoever is asked now."""
    referral = await requested(served, priority="P2")
    [(heard, made)] = served.events(OfferMade, about=referral)
    await _let_pass(served, [referral])
    await until(lambda: _all_offered_twice(served, [referral]))
    late = await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    assert served.refusal(late) == ("OFFER_EXPIRED", "offerId")
    assert (await served.need(referral))["state"] == "OFFERED"


async def test_a_referral_that_nobody_takes_ends_before_a_human(served: County) -> None:
    """The referral's own deadline: open offers are taken back, the source hears of the end, a work item stands."""
    referral = await requested(served, priority="P2")
    past = datetime.now(UTC) - timedelta(seconds=1)
    await served.pool.execute("UPDATE need SET expires_at = $1 WHERE referral_id = $2", past, referral)
    await _let_pass(served, [referral])

    async def expired() -> bool:
        return bool((await served.need(referral))["state"] == "EXPIRED")

    await until(expired)
    await served.settled()
    assert await served.work(referral) == ["EXPIRED_UNTAKEN"]
    assert not await served.offers(referral, state="MADE")


async def test_five_times_the_same_event_is_one_referral(served: County) -> None:
    """F7: one referral, one round of offers, and the publisher hears of each repeat that it was one."""
    referral = new_referral_id()
    await served.say(POLICE, request(), referral, times=5)
    await served.settled()
    assert (await served.steps(referral)).count("referral.submitted") == 1
    assert len(await served.offers(referral)) == 2
    told = served.facts(EventAccepted, org=POLICE, about=referral)
    assert [fact.duplicate for fact in told] == [False, True, True, True, True]


async def test_five_times_the_same_answer_is_one_acceptance(served: County) -> None:
    """A provider whose line is bad says yes five times under one id; nothing is refused and nothing happens twice."""
    referral = await requested(served)
    [(heard, made), *_] = served.events(OfferMade, about=referral)
    event = await served.say(heard.org, accepted(made.offer_id), referral, times=5)
    await served.settled()
    assert served.refusal(event) is None
    assert len(await served.offers(referral, state="ACCEPTED")) == 1
    assert (await served.steps(referral)).count("recipient.named") == 1


async def test_a_foreign_offer_is_answered_like_one_that_does_not_exist(served: County) -> None:
    """One shelter answers another's offer: OFFER_UNKNOWN, the same as for an offer that was never made."""
    referral = await requested(served, priority="P2")
    [(heard, made)] = served.events(OfferMade, about=referral)
    other = next(org for org in SHELTERS if org != heard.org)
    foreign = await served.say(other, accepted(made.offer_id), referral)
    unknown = await served.say(other, accepted(new_offer_id()), referral)
    await served.settled()
    assert served.refusal(foreign) == ("OFFER_UNKNOWN", "offerId")
    assert served.refusal(unknown) == ("OFFER_UNKNOWN", "offerId")
    assert (await served.need(referral))["state"] == "OFFERED"
