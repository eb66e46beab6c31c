"""Whatever the county does and however the clocks tick, nobody is forgotten and nothing is done twice (reliability §1).

Hypothesis plays providers, source, humans and clocks against the broker's own stories, on a desk in memory.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from broker.domain.lifecycle import NEED, OFFER, is_terminal
from broker.handlers.cases import OPEN_OFFER_STATES, UNDECIDED_OFFER_STATES, NextAction, Offer, Unmet
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Acknowledgment, NeedState, OfferState, Priority
from broker.trail.entries import Step
from tests.domain.cast import POLICE
from tests.handlers.county import SHELTER, DeskCounty

ANSWERS: tuple[type[EventData], ...] = (
    *(OfferReceipted, OfferAccepted, OfferDeclined, OfferWaitlisted),
    *(ContactMade, ContactUnreachable, ServiceStarted, ServiceCompleted, ServiceEnded),
)
SEEKING = frozenset({NeedState.MATCHING, NeedState.OFFERED, NeedState.WAITLISTED, NeedState.NO_MATCH})


class Life(RuleBasedStateMachine):
    """One referral's life."""

    @initialize(priority=st.sampled_from(Priority), shelters=st.integers(0, 4))
    def begins(self, priority: Priority, shelters: int) -> None:
        """The police ask."""
        self.county = DeskCounty(shelters)
        self.county.request(priority=priority.value)
        self.need_was = self.county.need.state
        self.offers_were: dict[str, tuple[OfferState, Acknowledgment]] = {}
        self.left = 0

    @rule(kind=st.sampled_from(ANSWERS), which=st.integers(0, 9), times=st.integers(1, 2))
    def a_provider_answers(self, kind: type[EventData], which: int, times: int) -> None:
        """Any provider, any answer, early, late, in the wrong order or twice; a refusal leaves everything as it was."""
        offers = list(self.county.referral.offers.values())
        if not offers:
            return
        offer = offers[which % len(offers)]
        by = next(one for one in self.county.shelters if one.org == offer.provider)
        fact = kind.model_validate({**kind.EXAMPLE, "offerId": offer.offer_id})
        for _ in range(times):
            before = (self.county.need.state, offer.state, offer.rung, len(self.county.desk.written.outbox))
            if self.county.tell(by, fact) is not None:
                after = (self.county.need.state, offer.state, offer.rung, len(self.county.desk.written.outbox))
                assert after == before

    @rule(
        minutes=st.one_of(st.integers(0, 10), st.integers(10, 1_000), st.integers(1_000, 20_000)),
        clocks=st.integers(1, 3),
    )
    def time_passes(self, minutes: int, clocks: int) -> None:
        """The clocks were away for so long, then several tick, until nothing is due."""
        self.county.desk.now += timedelta(minutes=minutes)
        for _ in range(50):
            if not [True for _ in range(clocks) if self.county.tick()]:
                return
        raise AssertionError("the clock turns and nothing moves on")

    @rule(minutes=st.integers(1, 3_000))
    def time_passes_evenly(self, minutes: int) -> None:
        """The clock ticks at each deadline on the way."""
        self.county.pass_time(self.county.desk.now + timedelta(minutes=minutes))

    @rule()
    def a_human_is_given_it_or_gives_it_back(self) -> None:
        """As `handoff work assign` and `release` write it."""
        referral, need = self.county.referral, self.county.need
        given = SHELTER in referral.assigned
        referral.assigned = frozenset() if given else frozenset({SHELTER})
        if given and need.state in SEEKING:
            self.county.desk.schedule(need, NextAction.CLIMB_LADDER, self.county.desk.now, need.owner)

    @precondition(lambda self: self.county.need.state in SEEKING)
    @rule()
    def a_human_asks_the_network_again(self) -> None:
        """As `handoff work resolve --as SEEK_AGAIN` writes it."""
        need = self.county.need
        self.county.desk.schedule(need, NextAction.SEEK_AGAIN, self.county.desk.now, need.owner)

    @precondition(lambda self: self.county.need.state is NeedState.NO_MATCH)
    @rule()
    def a_human_closes_it(self) -> None:
        """As `handoff work resolve --as CLOSE_UNMET` writes it."""
        self.county.referral.unmet[SHELTER] = Unmet("NO_CAPACITY", "role:coordinator")
        self.county.desk.schedule(
            self.county.need, NextAction.CLOSE_UNMET, self.county.desk.now, self.county.need.owner
        )

    @rule(chance=st.integers(0, 9))
    def the_source_cancels(self, chance: int) -> None:
        """Seldom, else every life would be short."""
        if chance == 0:
            self.county.tell(POLICE, ReferralCancelled.model_validate(ReferralCancelled.EXAMPLE))

    @invariant()
    def what_has_ended_has_ended(self) -> None:
        """Terminal states are final, of the need and of each offer."""
        need = self.county.need
        if is_terminal(NEED, self.need_was):
            assert need.state in (self.need_was, NeedState.ENTERED_IN_ERROR)
        self.need_was = need.state
        for offer in self.county.referral.offers.values():
            state, rung = self.offers_were.get(offer.offer_id, (OfferState.MADE, Acknowledgment.A0_ACCEPTED))
            assert offer.state is state or not is_terminal(OFFER, state)
            assert offer.rung >= rung, "an acknowledgment only rises"
            self.offers_were[offer.offer_id] = (offer.state, offer.rung)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """An open need has a next action with a moment and an owner, or a human has been told of it."""
        need = self.county.need
        if is_terminal(NEED, need.state):
            return
        assert need.owner is not None
        scheduled = need.next_action is not None and need.due_at is not None
        assert scheduled or self.county.work(), need.state
        if need.state in SEEKING and self.county.desk.now < need.expires_at:
            assert scheduled, "a human has it beside the clock, not instead of it"

    @invariant()
    def each_step_is_taken_once(self) -> None:
        """One escalation per deadline, whoever's clock it was; each an entry of the trail."""
        taken = [one for one, _ in self.county.desk.written.escalations]
        assert len(taken) == len(set(taken))
        entries = [entry for entry in self.county.desk.written.trail if entry.kind is Step.NEED_ESCALATED]
        assert len(entries) == len(taken)

    @invariant()
    def no_provider_is_asked_twice_and_at_most_one_has_it(self) -> None:
        """Whoever was asked for this need is not asked again; the first acceptance wins."""
        offers = list(self.county.referral.offers.values())
        providers = [offer.provider for offer in offers]
        assert len(providers) == len(set(providers))
        accepted = [offer for offer in offers if offer.state is OfferState.ACCEPTED]
        assert len(accepted) <= 1
        assert not accepted or not any(offer.state in UNDECIDED_OFFER_STATES for offer in offers)

    @invariant()
    def what_is_over_is_open_at_nobodys(self) -> None:
        """Where a need has ended, no provider still holds an open offer of it."""
        if is_terminal(NEED, self.county.need.state):
            assert not any(offer.state in OPEN_OFFER_STATES for offer in self.county.referral.offers.values())

    @invariant()
    def nobody_is_reminded_of_what_is_over(self) -> None:
        """A new reminder is about an offer that was open, or accepted and owes the next step."""
        for message in self.county.desk.written.outbox[self.left :]:
            if message.envelope.type == OfferReminded.TYPE:
                told = OfferReminded.read(message.value)
                assert self._owes(self.county.referral.offers[told.offer_id], told.owed)
        self.left = len(self.county.desk.written.outbox)

    def _owes(self, offer: Offer, owed: Acknowledgment) -> bool:
        """An offer that ended in the same tick had been open when its reminder left."""
        if owed <= Acknowledgment.A3_DECIDED:
            return offer.rung < owed
        return offer.state is OfferState.ACCEPTED


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
