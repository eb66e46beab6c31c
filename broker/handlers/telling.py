"""What is said to whom when something has changed: withdrawals to providers, status and closure to the source.

The source always hears receipt and closure of its own referral; anything about what the provider did passes the
feedback decision (domain.md §0.2, VAWA-12), and that decision is an entry of the trail.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from broker.domain.consent import ConsentRef, Decision
from broker.domain.lifecycle import coarse_status, decline_family
from broker.handlers import gate
from broker.handlers.bounds import count_use
from broker.handlers.cases import OPEN_OFFER_STATES, Need, Offer, Referral
from broker.handlers.desk import Desk
from broker.schemas.event import Flow
from broker.schemas.ids import OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_escalated import EscalationNotice, ReferralEscalated
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import (
    Acknowledgment,
    DeclineReason,
    EscalationLevel,
    OfferState,
    Outcome,
    SurvivorClosure,
    WithdrawReason,
)
from broker.trail.entries import Step

ForProvider = Literal[EscalationLevel.L0_CONTACT, EscalationLevel.L1_ON_CALL]
"""The steps of the ladder that a provider hears of."""

RECEIPTS = frozenset({Acknowledgment.A1_DELIVERED, Acknowledgment.A2_RECEIPTED})
"""Acknowledgments that say nothing about a person: the source hears them without a decision (domain.md §10.1)."""


def withdraw(desk: Desk, offer: Offer, reason: WithdrawReason) -> None:
    """Take an offer back and tell its provider."""
    desk.send(
        Flow.BROKER_TO_PROVIDER,
        offer.provider,
        offer.referral_id,
        OfferWithdrawn(offer_id=offer.offer_id, reason=reason),
        gate.control(offer.provider),
        referral_id=offer.referral_id,
        category=offer.category,
        offer_id=offer.offer_id,
    )
    desk.move_offer(offer, OfferState.WITHDRAWN, reason=reason.value)
    desk.change(offer, reason=reason.value)


def expire_offer(desk: Desk, offer: Offer) -> None:
    """An offer's deadline has passed unanswered: tell its provider."""
    desk.move_offer(offer, OfferState.EXPIRED)
    _tell_ended(desk, offer)


def end_undelivered(desk: Desk, offer: Offer, reason: str, why: str) -> None:
    """Take back an offer that never reached its provider's own system, by code `why`.

    It may still lie in an inbox there, where it closes as what ended without an answer (docs/decisions/0103).
    """
    desk.move_offer(offer, OfferState.WITHDRAWN, reason=reason, why=why)
    desk.change(offer, reason=reason)
    _tell_ended(desk, offer)


def _tell_ended(desk: Desk, offer: Offer) -> None:
    desk.send(
        Flow.BROKER_TO_PROVIDER,
        offer.provider,
        offer.referral_id,
        OfferExpired(offer_id=offer.offer_id),
        gate.control(offer.provider),
        referral_id=offer.referral_id,
        category=offer.category,
        offer_id=offer.offer_id,
    )


def remind(desk: Desk, offer: Offer, level: ForProvider, owed: Acknowledgment, due_at: datetime) -> None:
    """Tell an offer's provider once more what it owes: its contact (L0) or its on-call human (L1)."""
    desk.send(
        Flow.BROKER_TO_PROVIDER,
        offer.provider,
        offer.referral_id,
        OfferReminded(offer_id=offer.offer_id, level=level, owed=owed, due_at=due_at),
        gate.control(offer.provider),
        referral_id=offer.referral_id,
        category=offer.category,
        offer_id=offer.offer_id,
    )


def tell_escalated(desk: Desk, referral: Referral, need: Need, notice: EscalationNotice) -> None:
    """Tell the source's worker how far the ladder is; that the search goes on, only where the gate lets it."""
    searching = notice is EscalationNotice.STILL_LOOKING
    permit = gate.searching(desk, referral, need) if searching else gate.control(referral.source)
    if permit is None:
        tell_status(desk, referral, need)
        return
    number = None if searching else desk.pack_of(referral).ladder.fallback_number
    desk.send(
        Flow.BROKER_TO_SOURCE,
        referral.source,
        referral.referral_id,
        ReferralEscalated(category=need.category, notice=notice, fallback_number=number),
        permit,
        referral_id=referral.referral_id,
        category=need.category,
    )


def withdraw_others(desk: Desk, referral: Referral, winner: Offer) -> None:
    """First acceptance wins: the need's other open offers are taken back."""
    for offer in referral.offers_for(winner.category):
        if offer is not winner and offer.state in OPEN_OFFER_STATES:
            withdraw(desk, offer, WithdrawReason.TAKEN_BY_OTHER)


def tell_status(
    desk: Desk,
    referral: Referral,
    need: Need,
    acknowledgment: Acknowledgment | None = None,
) -> None:
    """Tell the source where its referral stands: coarsely always, in more words only by release."""
    receipt = acknowledgment in RECEIPTS
    answer = _Answer(gate.receipt(referral), None, None) if receipt else _asked(desk, referral, need)
    status = ReferralStatus(
        category=need.category,
        coarse=coarse_status(need.state),
        state=need.state if answer.released else None,
        acknowledgment=acknowledgment if answer.released or receipt else None,
    )
    _tell_source(desk, referral, need, answer, status)


def tell_declined(
    desk: Desk, referral: Referral, need: Need, offer: Offer, reason: DeclineReason, release: ConsentRef | None
) -> None:
    """Tell the source that a provider said no, by family, where that provider has a release for it; else nothing.

    A coarse word at this very moment would say the same.
    """
    answer = _asked(desk, referral, need, offer.provider, release)
    status = ReferralStatus(
        category=need.category, coarse=coarse_status(need.state), decline_family=decline_family(reason)
    )
    _tell_source(desk, referral, need, answer, status if answer.released else None)


def tell_closed(
    desk: Desk,
    referral: Referral,
    need: Need,
    outcome: Outcome | None = None,
    closure: SurvivorClosure | None = None,
) -> None:
    """Tell the source that a need of its referral is closed; how it ended, only by release."""
    answer = _asked(desk, referral, need)
    closed = ReferralClosed(
        category=need.category,
        coarse=coarse_status(need.state),
        state=need.state if answer.released else None,
        outcome=outcome if answer.released else None,
        closure=closure if answer.released else None,
    )
    _tell_source(desk, referral, need, answer, closed)


class _Answer(NamedTuple):
    """What the gate says of telling a source more, and whose words those would be."""

    permit: gate.Permit
    decision: Decision | None
    discloser: OrgId | None

    @property
    def released(self) -> bool:
        """Whether more than receipt and closure may be told."""
        return gate.FG25 in self.permit.groups


def _asked(
    desk: Desk, referral: Referral, need: Need, by: OrgId | None = None, release: ConsentRef | None = None
) -> _Answer:
    return _Answer(*gate.feedback(desk, referral, need, by, release), by or need.provider)


def _tell_source(
    desk: Desk, referral: Referral, need: Need, answer: _Answer, told: ReferralStatus | ReferralClosed | None
) -> None:
    """Send it, where there is something to tell; what the gate decided is an entry of the trail."""
    if told is not None:
        desk.send(
            Flow.BROKER_TO_SOURCE,
            referral.source,
            referral.referral_id,
            told,
            answer.permit,
            referral_id=referral.referral_id,
            category=need.category,
            discloser=answer.discloser,
        )
    decision = answer.decision
    if decision is None:
        return
    if answer.released:
        count_use(desk, decision, referral, need, referral.source)
    desk.record(
        Step.FEEDBACK_DECIDED,
        referral.referral_id,
        {
            "need": need.category,
            "discloser": answer.discloser,
            "recipient": referral.source,
            "released": answer.released,
            "reason": decision.reason if decision.reason else None,
            "rules": list(decision.rules),
            "basis": None if decision.basis is None else decision.basis.name,
            "consents": [f"{one.consent_id}/{one.version}" for one in decision.consents],
            "policy": referral.policy,
        },
    )
