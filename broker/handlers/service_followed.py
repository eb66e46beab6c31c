"""contact.* and service.*: what happens after acceptance, each step an acknowledgment with a deadline of its own."""

from broker.domain.deadlines import deadline
from broker.domain.work_list import Waiting
from broker.handlers.arrival import Arrival
from broker.handlers.cases import Need, NextAction, Referral
from broker.handlers.desk import Desk
from broker.handlers.telling import tell_closed, tell_status
from broker.schemas.contact_attempted import ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Acknowledgment, NeedState, OfferState
from broker.trail.entries import Step

Followed = (
    ContactAttempted
    | ContactMade
    | ContactUnreachable
    | HandoffStarted
    | HandoffCompleted
    | HandoffFailed
    | ServiceStarted
    | ServiceCompleted
    | ServiceEnded
)


def attempted(arrival: Arrival[ContactAttempted], desk: Desk) -> None:
    """A contact attempt inside the agreed windows; it stays pending."""
    _, need = taken_on(arrival, desk)
    if need.state not in (NeedState.CONTACT_PENDING, NeedState.HANDOFF):
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "offerId")
    desk.record(
        Step.NEED_MOVED,
        need.referral_id,
        {"need": need.category, "attempt": arrival.fact.attempt, "outcome": arrival.fact.outcome},
    )


def made(arrival: Arrival[ContactMade], desk: Desk) -> None:
    """The survivor is in touch with the provider (A4)."""
    referral, need = taken_on(arrival, desk)
    engage(desk, referral, need, *((NeedState.CONTACT_PENDING,) if need.state is NeedState.ACCEPTED else ()))


def engage(desk: Desk, referral: Referral, need: Need, *before: NeedState) -> None:
    """The survivor is in touch, by the way `before`; next an outcome is due."""
    desk.move_need(need, *before, NeedState.ENGAGED)
    desk.change(need, engaged=True)
    _outcome_due(desk, referral, need)
    tell_status(desk, referral, need, Acknowledgment.A4_CONTACT)


def unreachable(arrival: Arrival[ContactUnreachable], desk: Desk) -> None:
    """The agreed attempts are used up: closed, and put before a human, because a person is still out there."""
    referral, need = taken_on(arrival, desk)
    desk.move_need(need, NeedState.UNREACHABLE, attempts=arrival.fact.attempts)
    desk.schedule(need, None, None, desk.broker_org)
    desk.raise_work(need, Waiting.UNREACHABLE)
    tell_closed(desk, referral, need)


def started(arrival: Arrival[ServiceStarted], desk: Desk) -> None:
    """The service has begun (A5)."""
    referral, need = taken_on(arrival, desk)
    desk.move_need(need, NeedState.IN_SERVICE, service=arrival.fact.service.value)
    _outcome_due(desk, referral, need)
    tell_status(desk, referral, need, Acknowledgment.A5_SERVICE)


def completed(arrival: Arrival[ServiceCompleted], desk: Desk) -> None:
    """The service came to an outcome (A6)."""
    referral, need = taken_on(arrival, desk)
    desk.move_need(need, NeedState.COMPLETED, outcome=arrival.fact.outcome.value)
    desk.schedule(need, None, None, None)
    tell_closed(desk, referral, need, outcome=arrival.fact.outcome)


def ended(arrival: Arrival[ServiceEnded], desk: Desk) -> None:
    """It ended before completion, or the survivor chose otherwise before it began."""
    referral, need = taken_on(arrival, desk)
    begun = need.state is NeedState.IN_SERVICE
    desk.move_need(
        need,
        NeedState.ENDED_EARLY if begun else NeedState.SURVIVOR_DECLINED,
        closure=arrival.fact.closure.value,
    )
    desk.schedule(need, None, None, None)
    tell_closed(desk, referral, need, closure=arrival.fact.closure)


def taken_on(arrival: Arrival[Followed], desk: Desk) -> tuple[Referral, Need]:
    """The need that this provider has taken on; anything else is refused."""
    referral, need, offer = desk.offer_to(arrival.envelope.subject, arrival.fact.offer_id, arrival.party.org)
    if offer.state is OfferState.WITHDRAWN:
        raise Refused(RefusalCode.OFFER_WITHDRAWN, "offerId")
    if offer.state is not OfferState.ACCEPTED or need.offer_id != offer.offer_id:
        raise Refused(RefusalCode.TRANSITION_IMPOSSIBLE, "offerId")
    consent = arrival.consent_named()
    if consent is not None:
        desk.change(need, feedback_consent=consent)
    return referral, need


def _outcome_due(desk: Desk, referral: Referral, need: Need) -> None:
    calendar = desk.directory.calendar_of(need.provider)
    due = deadline(desk.pack_of(referral), Acknowledgment.A6_OUTCOME, need.priority, desk.now, calendar)
    desk.schedule(need, NextAction.CHASE_OUTCOME, due, need.provider)
