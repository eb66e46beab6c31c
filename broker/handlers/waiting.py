"""What a need that nobody has taken waits for next: the ladder's next step, an offer's end, or the need's own."""

from collections.abc import Sequence
from datetime import datetime

from broker.domain.ladder import LadderStep, alone_steps, need_steps, offer_steps
from broker.handlers.cases import Need, NextAction, Offer, Referral
from broker.handlers.desk import Desk
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import NeedState


def wait(desk: Desk, referral: Referral, need: Need, undecided: Sequence[Offer], owner: OrgId) -> None:
    """Schedule what is next. What is due already and was not worked yet stays due: only the clock climbs."""
    if need.next_action is NextAction.CLIMB_LADDER and need.due_at is not None and need.due_at <= desk.now:
        return
    action, at = NextAction.EXPIRE_REFERRAL, need.expires_at
    if undecided and (soonest := min(offer.answer_by for offer in undecided)) <= at:
        action, at = NextAction.EXPIRE_OFFERS, soonest
    step = _next_step(desk, referral, need, undecided)
    if step is not None and step < at:
        action, at = NextAction.CLIMB_LADDER, step
    desk.schedule(need, action, at, owner)


def steps_of_offer(desk: Desk, referral: Referral, offer: Offer) -> tuple[LadderStep, ...]:
    """The reminders of one undecided offer."""
    return offer_steps(
        desk.pack_of(referral),
        referral.needs[offer.category].priority,
        offer.made_at,
        offer.answer_by,
        offer.rung,
        desk.directory.calendar_of(offer.provider),
    )


def steps_of_need(desk: Desk, referral: Referral, need: Need) -> tuple[LadderStep, ...]:
    """The steps of the need as a whole."""
    pack = desk.pack_of(referral)
    steps = need_steps(pack, referral.received_at, need.expires_at)
    if need.state is NeedState.NO_MATCH:
        return alone_steps(pack, need.priority, need.changed_at, steps)
    return steps


def _next_step(desk: Desk, referral: Referral, need: Need, undecided: Sequence[Offer]) -> datetime | None:
    """The soonest step that is still to come; the ladder of an offer that was decided is over."""
    steps = [step.at for offer in undecided for step in steps_of_offer(desk, referral, offer)]
    steps += [step.at for step in steps_of_need(desk, referral, need)]
    return min((at for at in steps if at > desk.now), default=None)
