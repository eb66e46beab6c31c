"""The ladder on the real stories, on a desk in memory: who is told what and when, and where it ends (§10.4)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from broker.domain.pack import Feedback, FeedbackAllowance
from broker.domain.policy import PolicyPack
from broker.handlers.cases import NextAction, Unmet
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_escalated import EscalationNotice, ReferralEscalated
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import NeedState, OrgClass
from broker.trail.entries import Step
from tests.domain.cast import NOW, pack
from tests.handlers.county import SHELTER, DeskCounty

M, H = timedelta(minutes=1), timedelta(hours=1)


def levels(county: DeskCounty) -> list[tuple[str, str]]:
    """The steps that were taken, in order."""
    return [(taken.level.value, taken.owed.value) for taken, _ in county.desk.written.escalations]


def asked(shelters: int = 1, priority: str = "P2", policy: PolicyPack | None = None) -> DeskCounty:
    """A county in which the police have just asked."""
    county = DeskCounty(shelters, policy)
    county.request(priority=priority)
    return county


def test_a_silent_provider_is_reminded_four_times_and_each_is_an_entry() -> None:
    """P2: not delivered in 5 min, not seen in 2 h, undecided at 4 and at 6 of 8 h; the network's operator is told."""
    county = asked()
    county.pass_time(NOW + 7 * H)
    told = county.said(OfferReminded)
    assert [(one.level, one.owed) for one in told] == [("L0", "A1"), ("L1", "A2"), ("L0", "A3"), ("L1", "A3")]
    assert county.work() == ["OFFER_UNSEEN"]
    steps = [entry.kind for entry in county.desk.written.trail]
    assert steps.count(Step.NEED_ESCALATED) == 4


def test_a_receipt_in_time_leaves_only_the_decision_to_be_asked_for() -> None:
    """What was acknowledged is not asked for again."""
    county = asked()
    [offer] = county.referral.offers.values()
    assert county.tell(county.shelters[0], OfferReceipted(offer_id=offer.offer_id)) is None
    county.pass_time(NOW + 7 * H)
    assert [(one.level, one.owed) for one in county.said(OfferReminded)] == [("L0", "A3"), ("L1", "A3")]
    assert county.work() == []


def test_a_late_receipt_settles_what_was_put_before_a_human() -> None:
    """OFFER_UNSEEN is over when somebody has seen it."""
    county = asked()
    county.pass_time(NOW + 3 * H)
    [offer] = county.referral.offers.values()
    county.tell(county.shelters[0], OfferReceipted(offer_id=offer.offer_id))
    assert [reason for _, _, reason in county.desk.written.settled] == ["OFFER_UNSEEN"]


def test_the_next_provider_is_asked_and_a_source_that_may_not_hear_it_hears_the_coarse_state() -> None:
    """A victim service provider's silence is nothing for the police (VAWA-12): the status is as after an acceptance."""
    county = asked(shelters=2)
    county.pass_time(NOW + 9 * H)
    assert len(county.said(OfferMade)) == 2
    assert len(county.said(OfferExpired)) == 1
    assert ("L2", "A3") in levels(county)
    assert county.said(ReferralEscalated) == []
    assert county.said(ReferralStatus)[-1].state is None


def test_where_the_pack_lets_a_provider_tell_its_status_the_source_hears_still_looking() -> None:
    """A county whose shelters' status is nobody's secret."""
    open_words = Feedback(FeedbackAllowance.STATUS, ("COUNTY-1",))
    told: Mapping[str, Mapping[str, Feedback]] = {OrgClass.VSP_SHELTER: {OrgClass.LAW_ENFORCEMENT: open_words}}
    county = asked(shelters=2, policy=replace(pack(), feedback=told))
    county.pass_time(NOW + 9 * H)
    assert [one.notice for one in county.said(ReferralEscalated)] == [EscalationNotice.STILL_LOOKING]


def test_an_urgent_need_nobody_takes_comes_before_a_coordinator_then_the_worker_gets_a_number() -> None:
    """P0, two shelters that decline at once: a coordinator at once, the number a quarter of an hour later."""
    county = asked(shelters=2, priority="P0")
    for shelter, offer in zip(county.shelters, list(county.referral.offers.values()), strict=True):
        by = next(one for one in county.shelters if one.org == offer.provider)
        fact = OfferDeclined.model_validate({**OfferDeclined.EXAMPLE, "offerId": offer.offer_id})
        assert county.tell(by, fact) is None, shelter
    assert county.need.state is NeedState.NO_MATCH
    county.pass_time(NOW)
    assert levels(county) == [("L3", "A3")]
    assert county.work() == ["NOBODY_LEFT"]
    county.pass_time(NOW + 14 * M)
    assert county.said(ReferralEscalated) == []
    county.pass_time(NOW + 15 * M)
    [told] = county.said(ReferralEscalated)
    assert told.notice is EscalationNotice.CALL_FALLBACK
    assert told.fallback_number == pack().ladder.fallback_number
    assert county.work() == ["NOBODY_LEFT", "MANAGER_NEEDED"]
    assert levels(county) == [("L3", "A3"), ("L4", "A3")]


def test_an_urgent_referral_that_ends_undecided_asks_its_source_to_send_it_again() -> None:
    """Sealed groups are bound to their referral, so the broker cannot clone it (docs/decisions/0123)."""
    county = asked(shelters=30, priority="P1")
    county.pass_time(NOW + 5 * H)
    assert county.need.state is NeedState.EXPIRED
    assert county.said(ReferralEscalated)[-1].notice is EscalationNotice.SUBMIT_AGAIN
    assert len(county.said(ReferralClosed)) == 1
    assert county.work()[-1] == "EXPIRED_UNTAKEN"


def test_a_routine_referral_that_ends_undecided_does_not() -> None:
    """A human decides whether there is still a need after ten days."""
    county = asked(shelters=30, priority="P3")
    county.pass_time(NOW + timedelta(days=20))
    assert county.need.state is NeedState.EXPIRED
    assert EscalationNotice.SUBMIT_AGAIN not in [one.notice for one in county.said(ReferralEscalated)]


def test_what_a_human_was_given_climbs_no_further_by_itself() -> None:
    """Assigned: no reminder, nobody else is asked; an open offer still ends when it said, and so does the referral."""
    county = asked(shelters=3)
    county.referral.assigned = frozenset({SHELTER})
    county.pass_time(NOW + 20 * H)
    assert county.said(OfferReminded) == []
    assert len(county.said(OfferMade)) == 1
    assert len(county.said(OfferExpired)) == 1
    assert county.need.state is NeedState.MATCHING
    assert county.need.due_at == county.need.expires_at
    county.referral.assigned = frozenset()
    county.desk.schedule(county.need, NextAction.CLIMB_LADDER, county.desk.now, None)
    county.pass_time(NOW + 20 * H)
    assert len(county.said(OfferMade)) == 2, "given back, the next provider is asked"


def test_a_humans_word_closes_a_need_that_nobody_is_left_for() -> None:
    """L5: CLOSED_UNMET with its coded reason in the trail, and the source hears of the closure."""
    county = DeskCounty(0)
    county.request(priority="P0")
    before: NeedState = county.need.state
    assert before is NeedState.NO_MATCH
    county.referral.unmet[SHELTER] = Unmet("NO_CAPACITY", "role:coordinator")
    county.desk.schedule(county.need, NextAction.CLOSE_UNMET, county.desk.now, None)
    assert county.tick()
    assert county.need.state is NeedState.CLOSED_UNMET
    assert county.need.due_at is None
    assert len(county.said(ReferralClosed)) == 1
    assert levels(county)[-1] == ("L5", "A3")
    told = [entry.preimage for entry in county.desk.written.trail if entry.kind is Step.NEED_MOVED][-1]
    assert b'"unmet":"NO_CAPACITY","by":"role:coordinator"' in told


def test_a_provider_that_owes_contact_is_reminded_once_and_a_human_told_once() -> None:
    """A4: fifteen minutes at P0; it stays the provider's, and it is on the list."""
    county = asked(priority="P0")
    [offer] = county.referral.offers.values()
    yes = OfferAccepted.model_validate({**OfferAccepted.EXAMPLE, "offerId": offer.offer_id})
    assert county.tell(county.shelters[0], yes) is None
    county.pass_time(NOW + 2 * H)
    assert [(one.level, one.owed) for one in county.said(OfferReminded)] == [("L1", "A4")]
    assert county.work() == ["CONTACT_OVERDUE"]
    assert county.need.owner == county.shelters[0].org
