"""What can be said of an offer after acceptance: the steps that its standing allows, each one choice of one form."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from adapters import words
from adapters.inbox.inbox import Inbox
from adapters.inbox.listing import OfferSeen
from adapters.kind import ProviderKind
from adapters.standing import TAKEN, after
from broker.entry.forms import FormInvalid, Keyed
from broker.look.language import _
from broker.schemas.contact_attempted import AttemptOutcome, ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineReason, Outcome, Service, SurvivorClosure

Choice = tuple[str, str]
"""What a form sends for a choice, and how it reads."""

_PARTS: Final[Mapping[str, type[EventData]]] = {
    "tried": ContactAttempted,
    "started": ServiceStarted,
    "completed": ServiceCompleted,
    "ended": ServiceEnded,
    "back": OfferDeclined,
}


class ProgressForm(Keyed):
    """One step, as `tried:NO_ANSWER`."""

    step: str


def steps(seen: OfferSeen, kind: ProviderKind) -> tuple[Choice, ...]:
    """What may be said of this offer now, in the order in which it usually happens."""
    if seen.standing not in TAKEN:
        return ()
    policy = kind.POLICY
    told: list[tuple[str, str, Iterable[StrEnum]]] = [
        ("tried", _("Tried: %(what)s"), AttemptOutcome),
        ("started", _("Began: %(what)s"), sorted(policy.services)),
        ("completed", _("Came to: %(what)s"), sorted(policy.outcomes)),
        ("ended", _("Ended: %(what)s"), SurvivorClosure),
        ("back", _("Give back: %(what)s"), sorted(policy.decline_reasons)),
    ]
    first = [("made:", _("We are in touch"))] if after(seen.standing, ContactMade) else []
    last = [("unreachable:", _("Not reached: the agreed attempts are used up"))]
    rest = [
        (f"{part}:{code.value}", sentence % {"what": words.plain(code)})
        for part, sentence, codes in told
        if after(seen.standing, _PARTS[part])
        for code in codes
    ]
    return (*first, *rest, *(last if after(seen.standing, ContactUnreachable) else ()))


async def tell(inbox: Inbox, seen: OfferSeen, form: ProgressForm, by: AcceptedBy) -> None:
    """Store a step; the same form again is the same step.

    Raises:
        FormInvalid: it names no step.
        AnswerNotPossible: the step is not possible from here, or not at this hour.
    """
    part, _colon, code = form.step.partition(":")
    try:
        match part:
            case "tried":
                await inbox.contact_attempted(seen.offer_id, AttemptOutcome(code), by=by, event_id=form.key)
            case "unreachable":
                await inbox.contact_unreachable(seen.offer_id, event_id=form.key)
            case "back":
                await inbox.give_back(seen.offer_id, DeclineReason(code), event_id=form.key)
            case _:
                await inbox.answer(seen.offer_id, _fact(seen, part, code), event_id=form.key)
    except ValueError:
        raise FormInvalid from None


def _fact(seen: OfferSeen, part: str, code: str) -> EventData:
    """The event of a step; raises `ValueError` where it names none."""
    match part:
        case "made":
            return ContactMade(offer_id=seen.offer_id)
        case "started":
            return ServiceStarted(offer_id=seen.offer_id, service=Service(code))
        case "completed":
            return ServiceCompleted(offer_id=seen.offer_id, outcome=Outcome(code))
        case "ended":
            return ServiceEnded(offer_id=seen.offer_id, closure=SurvivorClosure(code))
    raise ValueError("no such step")
