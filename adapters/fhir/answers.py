"""What a provider's people say in a Task, read from its history, version by version, against two tables.

A Task's status is chosen by whoever may write to the server, so nothing is believed because it stands there: each
version must follow from the one before it by the guide's transitions, each answer from where the offer stands, and a
yes must name who said it. What does not is set aside with a code and sends nothing (docs/decisions/0115).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from adapters.fhir import codes
from adapters.fhir.codes import Resource, codes_of
from adapters.fhir.status import TaskStatus, may_become, status_of
from adapters.standing import OPEN, TAKEN, Standing, after
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineReason, Outcome, Service, SurvivorClosure

T = TaskStatus
S = Standing

_Word = TypeVar("_Word", bound=StrEnum)

_HUMAN: Final = re.compile(r"(^|/)(Practitioner|PractitionerRole)/[A-Za-z0-9.-]{1,64}(/|$)")


class Fault(StrEnum):
    """Why a version of a Task is not an answer."""

    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    TRANSITION_IMPOSSIBLE = "TRANSITION_IMPOSSIBLE"
    NOT_THE_PROVIDERS = "NOT_THE_PROVIDERS"
    """A status that only whoever requested it may set."""
    ACCEPTED_BY_NOBODY = "ACCEPTED_BY_NOBODY"
    OUTCOME_NOT_SAID = "OUTCOME_NOT_SAID"
    SERVICE_NOT_SAID = "SERVICE_NOT_SAID"
    END_NOT_SAID = "END_NOT_SAID"


class _NoAnswer(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, and the version of the Task that says it."""

    fact: EventData = field(repr=False)
    version: str
    giving_back: bool = False
    """Whether it declines what had been accepted: a Task that was accepted and then cancelled says so for certain."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """One version that was not believed."""

    fault: Fault
    version: str


DECLINED_BY: Final[Mapping[str, DeclineReason]] = {
    "no-capacity": DeclineReason.NO_CAPACITY_STAFF,
    "waitlist": DeclineReason.WAITLIST_ONLY,
    "additional-assessment-required": DeclineReason.INCOMPLETE_REFERRAL,
}
"""The guide's codes of capacity, where a system knows no others."""

UNSAID: Final = DeclineReason.SYSTEM_UNAVAILABLE
"""A no without a code that we know: the provider's system could not say why. It counts at once all the same, because a
person is waiting for somebody else to be asked."""


@dataclass(frozen=True, slots=True)
class _Version:
    offer_id: OfferId
    task: Resource
    status: TaskStatus
    standing: Standing

    @property
    def state(self) -> tuple[str, ...]:
        return codes_of(self.task.get("businessStatus"), codes.OFFER_STATE)


def heard(offer_id: OfferId, history: Sequence[Resource]) -> tuple[list[Heard], list[SetAside]]:
    """The answers in a Task's versions, the oldest first, and the versions that were set aside."""
    status, standing = T.REQUESTED, S.WAITING
    answers: list[Heard] = []
    aside: list[SetAside] = []
    for task in history:
        name = str(task.get("meta", {}).get("versionId", ""))
        try:
            version = _Version(offer_id, task, _following(task, status), standing)
            if (ours := _ours(version)) is None:
                facts, standing = _facts(version)
                back = version.standing in TAKEN
                answers += [Heard(fact, name, back and isinstance(fact, OfferDeclined)) for fact in facts]
            else:
                standing = ours
            status = version.status
        except _NoAnswer as refused:
            aside.append(SetAside(refused.fault, name))
    return answers, aside


def _following(task: Resource, before: TaskStatus) -> TaskStatus:
    status = status_of(task.get("status"))
    if status is None:
        raise _NoAnswer(Fault.STATUS_UNKNOWN)
    if status in (T.DRAFT, T.ENTERED_IN_ERROR):
        raise _NoAnswer(Fault.NOT_THE_PROVIDERS)
    if not may_become(before, status):
        raise _NoAnswer(Fault.TRANSITION_IMPOSSIBLE)
    return status


def _ours(version: _Version) -> Standing | None:
    """Where the offer stands if this version is one that we wrote; it may be claimed by others to no effect."""
    if version.status is T.CANCELLED:
        return next((standing for standing in (S.WITHDRAWN, S.EXPIRED) if standing.value in version.state), None)
    if version.status is T.ACCEPTED and "ACCEPTED" in version.state:
        return S.CONTACT_PENDING if version.standing in OPEN else version.standing
    return None


def _facts(version: _Version) -> tuple[list[EventData], Standing]:
    """The answers of one version, and where they lead; either all of them are possible or none is given."""
    facts = _READ[version.status](version)
    standing = version.standing
    for fact in facts:
        following = after(standing, type(fact))
        if following is None:
            raise _NoAnswer(Fault.TRANSITION_IMPOSSIBLE)
        standing = following
    return facts, standing


def _nothing(_: _Version) -> list[EventData]:
    return []


def _accepted(version: _Version) -> list[EventData]:
    if version.standing not in OPEN:
        return []
    if S.WAITLISTED.value in version.state:
        return [OfferWaitlisted(offer_id=version.offer_id)] if version.standing is S.WAITING else []
    return [OfferAccepted(offer_id=version.offer_id, accepted_by=_decided_by(version.task))]


def _in_progress(version: _Version) -> list[EventData]:
    """Under way says nothing about contact: that she was reached is claimed only where somebody says so."""
    if version.standing in OPEN:
        return [OfferAccepted(offer_id=version.offer_id, accepted_by=_decided_by(version.task))]
    if S.IN_SERVICE.value in version.state:
        return _up_to_service(version)
    reached = S.ENGAGED.value in version.state and version.standing is S.CONTACT_PENDING
    return [ContactMade(offer_id=version.offer_id)] if reached else []


def _rejected(version: _Version) -> list[EventData]:
    return [OfferDeclined(offer_id=version.offer_id, reason=_reason(version.task))]


def _cancelled(version: _Version) -> list[EventData]:
    if version.standing is S.WAITING:
        raise _NoAnswer(Fault.NOT_THE_PROVIDERS)
    if version.standing is S.IN_SERVICE:
        return _failed(version)
    return [OfferDeclined(offer_id=version.offer_id, reason=_reason(version.task))]


def _completed(version: _Version) -> list[EventData]:
    if version.standing in OPEN:
        raise _NoAnswer(Fault.ACCEPTED_BY_NOBODY)
    outcome = _one_of(Outcome, _said(version.task, "output", codes.OUTCOME))
    if outcome is None:
        raise _NoAnswer(Fault.OUTCOME_NOT_SAID)
    return [*_up_to_service(version), ServiceCompleted(offer_id=version.offer_id, outcome=outcome)]


def _failed(version: _Version) -> list[EventData]:
    reason = version.task.get("statusReason")
    closure = _one_of(SurvivorClosure, _coded(reason, codes.CLOSURE))
    if closure is not None:
        return [ServiceEnded(offer_id=version.offer_id, closure=closure)]
    attempts = _attempts(version.task)
    if attempts is None:
        raise _NoAnswer(Fault.END_NOT_SAID)
    return [ContactUnreachable(offer_id=version.offer_id, attempts=attempts)]


_READ: Final[Mapping[TaskStatus, Callable[[_Version], list[EventData]]]] = {
    T.REQUESTED: _nothing,
    T.ACCEPTED: _accepted,
    T.IN_PROGRESS: _in_progress,
    T.ON_HOLD: _nothing,
    T.REJECTED: _rejected,
    T.CANCELLED: _cancelled,
    T.FAILED: _failed,
    T.COMPLETED: _completed,
}


def _up_to_service(version: _Version) -> list[EventData]:
    """What must have happened before a service has begun, as far as it was not said before."""
    facts: list[EventData] = []
    if version.standing is S.CONTACT_PENDING:
        facts.append(ContactMade(offer_id=version.offer_id))
    if version.standing in (S.CONTACT_PENDING, S.ENGAGED):
        named = _said(version.task, "output", codes.SERVICE) or _said(version.task, "input", codes.SERVICE)
        service = _one_of(Service, named)
        if service is None:
            raise _NoAnswer(Fault.SERVICE_NOT_SAID)
        facts.append(ServiceStarted(offer_id=version.offer_id, service=service))
    return facts


def _decided_by(task: Resource) -> AcceptedBy:
    """Who said yes: a role where one is named, a person of the staff where one has taken the Task over."""
    role = _one_of(AcceptedBy, codes_of(task.get("businessStatus"), codes.ACCEPTED_BY))
    if role is not None:
        return role
    owner = task.get("owner")
    reference = owner.get("reference") if isinstance(owner, dict) else None
    if isinstance(reference, str) and _HUMAN.search(reference):
        return AcceptedBy.STAFF
    raise _NoAnswer(Fault.ACCEPTED_BY_NOBODY)


def _reason(task: Resource) -> DeclineReason:
    said = task.get("statusReason")
    known = _one_of(DeclineReason, _coded(said, codes.DECLINE_REASON))
    of_guide = (DECLINED_BY.get(code) for code in codes_of(said, codes.TEMPORARY_CODES))
    return known or next((reason for reason in of_guide if reason is not None), UNSAID)


def _coded(said: object, system: str) -> tuple[str, ...]:
    """The codes of a reason; words count where they are nothing but a code (the reference's example has it so)."""
    text = said.get("text") if isinstance(said, dict) else None
    return (*codes_of(said, system), *([text] if isinstance(text, str) else []))


def _details(task: Resource, where: str) -> list[dict[str, Any]]:
    found = task.get(where)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _said(task: Resource, where: str, system: str) -> tuple[str, ...]:
    return tuple(code for one in _details(task, where) for code in codes_of(one.get("valueCodeableConcept"), system))


def _attempts(task: Resource) -> int | None:
    for one in _details(task, "output"):
        if "contact-attempts" in codes_of(one.get("type"), codes.TASK_DETAIL):
            number = one.get("valuePositiveInt", one.get("valueInteger"))
            if isinstance(number, int) and 1 <= number <= 20:
                return number
    return None


def _one_of(vocabulary: type[_Word], said: Sequence[str]) -> _Word | None:
    """The first code that the vocabulary knows."""
    words = {word.value: word for word in vocabulary}
    return next((words[code] for code in said if code in words), None)
