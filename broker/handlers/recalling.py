"""What was handed over is taken back: every recipient is asked to give it up, and its answer is awaited (§4.4).

Because a survivor takes consent back, or because the source had made a mistake: that one is told with its reason.

A copy that has left cannot be called home, so nobody is silently trusted with one: whoever does not answer is reminded
once, and then a human of the network has it.
"""

from broker.domain.deadlines import deadline
from broker.handlers import gate
from broker.handlers.arrival import Arrival
from broker.handlers.cases import HandedOver, Offer, Recall, Referral
from broker.handlers.desk import Desk
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.event import Flow
from broker.schemas.field_groups import FieldGroup
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.vocabulary import NeedState
from broker.trail.entries import Step

OVERDUE = "REVOCATION_UNANSWERED"
"""Why a human has it: a recipient has not said what became of what it was asked to give up."""


def recall(desk: Desk, referral: Referral, reason: RecallReason | None = None) -> None:
    """Ask every recipient to give up what consent covers no longer; all of it, where the source has a `reason`."""
    for offer_id, handed_over in referral.disclosed.items():
        offer = referral.offers[offer_id]
        before = referral.recalls.get(offer_id)
        asked = frozenset() if before is None else before.groups
        lost = handed_over.groups - asked - _may_keep(desk, referral, offer, handed_over)
        if lost or _must_hear_why(before, reason):
            _ask(desk, referral, offer, lost | asked, lost or asked, reason)


def _must_hear_why(before: Recall | None, reason: RecallReason | None) -> bool:
    """Whether a recipient that was asked before may still hold something, and does not know that it is wrong."""
    told = before is None or before.reason is not None or before.outcome is RevocationOutcome.COMPLIED
    return reason is not None and not told


def _may_keep(desk: Desk, referral: Referral, offer: Offer, handed_over: HandedOver) -> frozenset[FieldGroup]:
    party = desk.directory.parties.get(offer.provider)
    if party is None or referral.needs[offer.category].state is NeedState.ENTERED_IN_ERROR:
        return frozenset()
    return gate.may_keep(desk, referral, referral.needs[offer.category], party, handed_over)


def _ask(
    desk: Desk,
    referral: Referral,
    offer: Offer,
    groups: frozenset[FieldGroup],
    lost: frozenset[FieldGroup],
    reason: RecallReason | None,
) -> None:
    answer_by = deadline(desk.pack_of(referral), "revocation", referral.needs[offer.category].priority, desk.now)
    asked = Recall(offer.offer_id, referral.referral_id, groups, desk.now, answer_by, reason=reason)
    desk.add_recall(referral, asked)
    _tell(desk, referral, offer, asked)
    desk.record(
        Step.DISCLOSURE_RECALLED,
        referral.referral_id,
        {
            "need": offer.category,
            "recipient": offer.provider,
            "groups": sorted(lost),
            "answerBy": answer_by,
            "reason": reason,
        },
    )


def _tell(desk: Desk, referral: Referral, offer: Offer, asked: Recall) -> None:
    assert asked.due_at is not None
    desk.send(
        Flow.BROKER_TO_PROVIDER,
        offer.provider,
        referral.referral_id,
        DisclosureRevoked(
            offer_id=offer.offer_id,
            field_groups=tuple(sorted(asked.groups)),
            requested_actions=EVERY_ACTION,
            answer_by=asked.due_at,
            reminder=asked.reminded,
            reason=asked.reason,
        ),
        gate.control(offer.provider),
        referral_id=referral.referral_id,
        category=offer.category,
        offer_id=offer.offer_id,
        groups=asked.groups,
    )


def acknowledged(arrival: Arrival[RevocationAcknowledged], desk: Desk) -> None:
    """A recipient says what became of it. A late answer counts, and so does another one later."""
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    asked = referral.recalls.get(offer.offer_id)
    if asked is None:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "offerId")
    if asked.outcome is arrival.fact.outcome:
        return
    desk.record(
        Step.RECALL_ANSWERED,
        referral.referral_id,
        {"need": need.category, "recipient": offer.provider, "outcome": arrival.fact.outcome},
    )
    desk.change(asked, outcome=arrival.fact.outcome, due_at=None)
    others = (referral.offers[one.offer_id] for one in referral.recalls.values() if one.outcome is None)
    if all(other.category is not need.category for other in others):
        desk.written.settled.append((referral.referral_id, need.category, OVERDUE))


def overdue(desk: Desk, referral: Referral, asked: Recall) -> None:
    """No answer in time: ask once more, then put it before a human. Asked twice, or too early, it does nothing."""
    if asked.outcome is not None or asked.due_at is None or asked.due_at > desk.now:
        return
    offer = referral.offers[asked.offer_id]
    need, due = referral.needs[offer.category], asked.due_at
    if asked.reminded:
        desk.change(asked, due_at=None)
        desk.raise_work(need, OVERDUE)
    else:
        again_by = deadline(desk.pack_of(referral), "revocation", need.priority, desk.now)
        desk.change(asked, due_at=again_by, reminded=True)
        _tell(desk, referral, offer, asked)
    desk.record(
        Step.DEADLINE_PASSED,
        referral.referral_id,
        {"need": offer.category, "due": due, "owed": OVERDUE, "by": offer.provider},
    )
