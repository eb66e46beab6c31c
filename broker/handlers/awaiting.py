"""What a provider that has accepted owes next on the way to the survivor, and until when."""

from broker.domain.deadlines import deadline
from broker.handlers.cases import Need, NextAction, Referral
from broker.handlers.desk import Desk
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import Acknowledgment, NeedState


def await_contact(desk: Desk, referral: Referral, need: Need, provider: OrgId) -> None:
    """Contact, or the next step of a live transfer where one was promised.

    The pack has a time for a transfer to begin, somebody picks up, and one for it to end. Both count from when the
    need came to its state, so that nothing in between prolongs them.
    """
    pack, priority, calendar = desk.pack_of(referral), need.priority, desk.directory.calendar_of(provider)
    if need.state is NeedState.ACCEPTED:
        due = deadline(pack, "handoff_begun", priority, need.changed_at, calendar)
        desk.schedule(need, NextAction.CHASE_HANDOFF, due, provider)
    elif need.state is NeedState.HANDOFF:
        due = deadline(pack, "handoff_ended", priority, need.changed_at, calendar)
        desk.schedule(need, NextAction.CHASE_HANDOFF, due, provider)
    else:
        due = deadline(pack, Acknowledgment.A4_CONTACT, priority, desk.now, calendar)
        desk.schedule(need, NextAction.CHASE_CONTACT, due, provider)
