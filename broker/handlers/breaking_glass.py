"""breakglass.invoked, approved, reviewed: an emergency opens one referral to one provider, and is answered for (§5).

It is a ground that the gate can find and nothing more: the survivor's no, an exclusion, tier 5 and Part 2 outrank it as
they outrank everything. Whoever does not approve or review it in time is told by what follows from that.
"""

from broker.domain.acceptance import refuse_needless
from broker.domain.consent import Effect, Phase
from broker.handlers import gate
from broker.handlers.arrival import Arrival
from broker.handlers.cases import OPEN_OFFER_STATES, BreakGlass, Need, Referral
from broker.handlers.desk import Desk
from broker.handlers.recalling import recall
from broker.handlers.referral_sealed import AWAITING
from broker.handlers.releasing import release
from broker.handlers.seeking import SEEKING, reconsider, seek
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.ids import OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import NeedState
from broker.trail.entries import Step

USED = "BREAK_GLASS_USED"
"""Why a human has it at once: the privacy officer is told of every emergency."""
UNAPPROVED = "BREAK_GLASS_UNAPPROVED"
UNREVIEWED = "BREAK_GLASS_UNREVIEWED"


def invoked(arrival: Arrival[BreakGlassInvoked], desk: Desk) -> None:
    """Let the emergency count at once, tell the privacy officer, and bring the provider as far as it reaches."""
    referral = desk.referral_of(arrival.envelope.subject, arrival.party.org)
    fact = arrival.fact
    need = referral.needs.get(fact.category)
    if need is None or fact.break_glass_id in referral.glass:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "category" if need is None else "breakGlassId")
    if arrival.party.org in desk.reviews_overdue:
        raise Refused(RefusalCode.BREAK_GLASS_SUSPENDED)
    glass = _glass(arrival, referral, desk)
    desk.add_glass(referral, glass)
    _record(
        desk,
        Step.GLASS_BROKEN,
        glass,
        reason=glass.reason,
        basis=glass.basis,
        by=glass.invoked_by,
        narrative=glass.narrative_ref,
        expiresAt=glass.expires_at,
        approveBy=glass.approve_by,
    )
    party = desk.directory.parties[glass.recipient]
    if gate.ask(desk, referral, need, party, Phase.OFFER).effect is not Effect.PERMIT:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "recipient")
    desk.raise_work(need, USED)
    _open(desk, referral, need, glass.recipient)


def _glass(arrival: Arrival[BreakGlassInvoked], referral: Referral, desk: Desk) -> BreakGlass:
    """What the policy allows of it, by the broker's clock; refused where it allows nothing of the kind."""
    fact, parties = arrival.fact, desk.directory.parties
    limits = refuse_needless(
        fact, arrival.party.org_class, parties.get(fact.recipient), desk.pack_of(referral), desk.now
    )
    return BreakGlass(
        break_glass_id=fact.break_glass_id,
        referral_id=referral.referral_id,
        category=fact.category,
        source=arrival.party.org,
        recipient=fact.recipient,
        groups=frozenset(fact.field_groups),
        reason=fact.reason,
        basis=fact.basis,
        invoked_by=fact.invoked_by,
        narrative_ref=fact.narrative_ref,
        invoked_at=desk.now,
        expires_at=min(fact.expires_at, desk.now + limits.lasts),
        approve_by=desk.now + limits.approved_within,
        review_by=desk.now + limits.reviewed_within,
        due_at=desk.now + limits.approved_within,
        subject_informed=fact.subject_informed,
    )


def _open(desk: Desk, referral: Referral, need: Need, recipient: OrgId) -> None:
    """Ask the provider now, or hand over where it has accepted already."""
    if need.state in AWAITING and need.provider == recipient and need.offer_id is not None:
        release(desk, referral, need, referral.offers[need.offer_id])
    elif need.state in SEEKING or need.state is NeedState.NO_MATCH:
        offers = referral.offers_for(need.category)
        if not any(offer.provider == recipient and offer.state in OPEN_OFFER_STATES for offer in offers):
            seek(desk, referral, need, only=recipient)


def approved(arrival: Arrival[BreakGlassApproved], desk: Desk) -> None:
    """A second person stands for it, in time."""
    _, glass = _found(arrival.envelope.subject, arrival.fact.break_glass_id, arrival.party.org, desk)
    if arrival.fact.approved_by == glass.invoked_by:
        raise Refused(RefusalCode.SECOND_PERSON_NEEDED, "approvedBy")
    if glass.void or (glass.approved_by is None and glass.approve_by <= desk.now):
        raise Refused(RefusalCode.BREAK_GLASS_OVER, "breakGlassId")
    if glass.approved_by is not None:
        return
    desk.change(glass, approved_by=arrival.fact.approved_by, due_at=None if glass.outcome else glass.review_by)
    _record(desk, Step.GLASS_APPROVED, glass, by=glass.approved_by, reviewBy=glass.review_by)


def reviewed(arrival: Arrival[BreakGlassReviewed], desk: Desk) -> None:
    """It is answered for, whether it was right or not; where it was the last that was overdue, the source may go on."""
    referral, glass = _found(arrival.envelope.subject, arrival.fact.break_glass_id, arrival.party.org, desk)
    fact = arrival.fact
    if fact.reviewed_by == glass.invoked_by:
        raise Refused(RefusalCode.SECOND_PERSON_NEEDED, "reviewedBy")
    # What nobody has approved yet is still owed its approval.
    due_at = None if glass.approved_by is not None or glass.void else glass.due_at
    desk.change(
        glass, outcome=fact.outcome, reviewed_by=fact.reviewed_by, subject_informed=fact.subject_informed, due_at=due_at
    )
    _record(desk, Step.GLASS_REVIEWED, glass, by=fact.reviewed_by, outcome=fact.outcome, informed=fact.subject_informed)
    for reason in (USED, UNREVIEWED, UNAPPROVED):
        desk.written.settled.append((referral.referral_id, glass.category, reason))


def work_due(desk: Desk, referral: Referral, glass: BreakGlass) -> None:
    """Nobody has approved it in time: it ends and what went by it is asked back. Or nobody has reviewed it: see §5."""
    if glass.due_at is None or glass.due_at > desk.now:
        return
    need = referral.needs[glass.category]
    if glass.approved_by is None and not glass.void:
        desk.change(glass, void=True, due_at=None if glass.outcome else glass.review_by)
        _record(desk, Step.GLASS_VOID, glass, approveBy=glass.approve_by)
        desk.raise_work(need, UNAPPROVED)
        if need.state in SEEKING:
            reconsider(desk, referral, need)  # Who has accepted goes on with her, by the worker's number.
        recall(desk, referral)
        return
    desk.change(glass, overdue=True, due_at=None)
    _record(desk, Step.GLASS_OVERDUE, glass, reviewBy=glass.review_by)
    desk.raise_work(need, UNREVIEWED)


def _found(referral_id: str, glass_id: BreakGlassId, source: OrgId, desk: Desk) -> tuple[Referral, BreakGlass]:
    referral = desk.referral_of(referral_id, source)
    glass = referral.glass.get(glass_id)
    if glass is None:
        raise Refused(RefusalCode.BREAK_GLASS_UNKNOWN, "breakGlassId")
    return referral, glass


def _record(desk: Desk, step: Step, glass: BreakGlass, **facts: object) -> None:
    """An entry of the emergencies' own kinds, so that they can be counted and read apart."""
    told = {"breakGlass": glass.break_glass_id, "need": glass.category, "recipient": glass.recipient}
    desk.record(step, glass.referral_id, {**told, "groups": sorted(glass.groups), **facts})
