"""The three state machines as tables (domain.md §10.1, §10.2): need, offer and delivery, never mixed.

A step that stands in no table does not happen, whoever asks for it. Terminal states are final; only a need that should
never have existed leaves one, to ENTERED_IN_ERROR.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from broker.schemas.vocabulary import (
    CoarseState,
    DeclineFamily,
    DeclineReason,
    DeliveryState,
    NeedState,
    OfferState,
)

State = TypeVar("State", bound=StrEnum)

_NEED: Final = {
    "DRAFT": "SUBMITTED CANCELLED",
    "SUBMITTED": "CONSENT_HOLD MATCHING INVALID CANCELLED",
    "INVALID": "",
    "CONSENT_HOLD": "MATCHING CANCELLED REVOKED EXPIRED",
    "MATCHING": "OFFERED NO_MATCH CANCELLED REVOKED EXPIRED",
    "NO_MATCH": "MATCHING CLOSED_UNMET CANCELLED REVOKED",
    "OFFERED": "ACCEPTED WAITLISTED MATCHING CANCELLED REVOKED EXPIRED",
    "WAITLISTED": "ACCEPTED MATCHING CANCELLED REVOKED EXPIRED",
    "ACCEPTED": "HANDOFF CONTACT_PENDING MATCHING CANCELLED REVOKED",
    "HANDOFF": "ENGAGED CONTACT_PENDING CANCELLED REVOKED",
    "CONTACT_PENDING": "ENGAGED UNREACHABLE SURVIVOR_DECLINED MATCHING CANCELLED REVOKED",
    "ENGAGED": "IN_SERVICE SURVIVOR_DECLINED MATCHING REVOKED",
    "IN_SERVICE": "COMPLETED ENDED_EARLY",
    "COMPLETED": "",
    "ENDED_EARLY": "",
    "UNREACHABLE": "",
    "SURVIVOR_DECLINED": "",
    "CLOSED_UNMET": "",
    "CANCELLED": "",
    "REVOKED": "",
    "EXPIRED": "",
}

_OFFER: Final = {
    "MADE": "RECEIPTED UNDER_REVIEW ACCEPTED DECLINED WAITLISTED EXPIRED WITHDRAWN",
    "RECEIPTED": "UNDER_REVIEW ACCEPTED DECLINED WAITLISTED EXPIRED WITHDRAWN",
    "UNDER_REVIEW": "ACCEPTED DECLINED WAITLISTED EXPIRED WITHDRAWN",
    "WAITLISTED": "ACCEPTED DECLINED EXPIRED WITHDRAWN",
    "ACCEPTED": "WITHDRAWN",
    "DECLINED": "",
    "EXPIRED": "",
    "WITHDRAWN": "",
}

_DELIVERY: Final = {
    "QUEUED": "ATTEMPTED SUPPRESSED",
    "ATTEMPTED": "DELIVERED RETRYING DEAD_LETTERED SUPPRESSED",
    "RETRYING": "ATTEMPTED DELIVERED DEAD_LETTERED SUPPRESSED",
    "DELIVERED": "",
    "DEAD_LETTERED": "",
    "SUPPRESSED": "",
}

# What each answer does: the offer's new state (- for none), then the need's way from each state that it may be in.
# An acceptance that promises a live transfer stays at ACCEPTED.
_ANSWERS: Final = {
    "offer.receipted": ("RECEIPTED", {}),
    "offer.accepted": ("ACCEPTED", {"OFFERED": "ACCEPTED CONTACT_PENDING", "WAITLISTED": "ACCEPTED CONTACT_PENDING"}),
    "offer.declined": ("DECLINED", {}),
    "offer.waitlisted": ("WAITLISTED", {}),
    "contact.attempted": ("-", {}),
    "contact.made": ("-", {"CONTACT_PENDING": "ENGAGED", "HANDOFF": "ENGAGED", "ACCEPTED": "CONTACT_PENDING ENGAGED"}),
    "contact.unreachable": ("-", {"CONTACT_PENDING": "UNREACHABLE"}),
    "handoff.started": ("-", {"ACCEPTED": "HANDOFF"}),
    "handoff.completed": (
        "-",
        {"HANDOFF": "ENGAGED", "ACCEPTED": "HANDOFF ENGAGED", "CONTACT_PENDING": "ENGAGED"},
    ),
    "handoff.failed": ("-", {"ACCEPTED": "CONTACT_PENDING", "HANDOFF": "CONTACT_PENDING"}),
    "service.started": ("-", {"ENGAGED": "IN_SERVICE"}),
    "service.completed": ("-", {"IN_SERVICE": "COMPLETED"}),
    "service.ended": (
        "-",
        {"IN_SERVICE": "ENDED_EARLY", "ENGAGED": "SURVIVOR_DECLINED", "CONTACT_PENDING": "SURVIVOR_DECLINED"},
    ),
}


def _table(kind: type[State], rows: Mapping[str, str]) -> Mapping[State, frozenset[State]]:
    return {kind(before): frozenset(kind(name) for name in after.split()) for before, after in rows.items()}


_ERROR: Final = NeedState.ENTERED_IN_ERROR

NEED: Final[Mapping[NeedState, frozenset[NeedState]]] = {
    **{before: after | {_ERROR} for before, after in _table(NeedState, _NEED).items()},
    _ERROR: frozenset(),
}
"""One need of a referral. ENTERED_IN_ERROR can be reached from everywhere."""

OFFER: Final = _table(OfferState, _OFFER)
"""One offer to one provider. An answer may come without a receipt; an acceptance can be given back or taken back."""

DELIVERY: Final = _table(DeliveryState, _DELIVERY)
"""One message on its way. An acknowledgment may come before the attempt's own result is known (reliability.md §1)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer moves. An empty `way` moves no need: that is for the story to decide from the other offers."""

    offer: OfferState | None
    way: Mapping[NeedState, tuple[NeedState, ...]]


ANSWERS: Final[Mapping[str, Answer]] = {
    name: Answer(
        None if offer == "-" else OfferState(offer),
        {NeedState(before): tuple(NeedState(step) for step in way.split()) for before, way in ways.items()},
    )
    for name, (offer, ways) in _ANSWERS.items()
}
"""By answer, without the type's prefix and version."""


class ImpossibleTransition(Exception):
    """This step is not possible in the present state."""

    code: Final = "TRANSITION_IMPOSSIBLE"


def allows(machine: Mapping[State, frozenset[State]], before: State, after: State) -> bool:
    """Whether the table has this step. A state that it does not know has none."""
    return after in machine.get(before, frozenset())


def check(machine: Mapping[State, frozenset[State]], before: State, after: State) -> None:
    """Refuse a step that the table does not have.

    Raises:
        ImpossibleTransition: its code is TRANSITION_IMPOSSIBLE.
    """
    if not allows(machine, before, after):
        raise ImpossibleTransition(f"{before.value} to {after.value}")


def is_terminal(machine: Mapping[State, frozenset[State]], state: State) -> bool:
    """Whether nothing follows, an entry in error apart."""
    return not machine[state] - {_ERROR}


def _states(names: str) -> frozenset[NeedState]:
    return frozenset(NeedState(name) for name in names.split())


_RECEIVED: Final = _states("DRAFT SUBMITTED CONSENT_HOLD")
_SEEKING: Final = _states("MATCHING NO_MATCH OFFERED WAITLISTED")
_TAKEN: Final = _states("ACCEPTED HANDOFF CONTACT_PENDING ENGAGED IN_SERVICE")

_FHIR_FIXED: Final = {
    NeedState.DRAFT: "draft",
    NeedState.SUBMITTED: "requested",
    NeedState.CONSENT_HOLD: "requested",
    NeedState.INVALID: "rejected",
    NeedState.COMPLETED: "completed",
    NeedState.CANCELLED: "cancelled",
    NeedState.REVOKED: "cancelled",
    NeedState.EXPIRED: "cancelled",
    NeedState.ENTERED_IN_ERROR: "entered-in-error",
}


def coarse_status(state: NeedState) -> CoarseState:
    """The state without what it says about the survivor (FG25 withheld)."""
    if state in _RECEIVED:
        return CoarseState.RECEIVED
    return CoarseState.IN_PROGRESS if state in _SEEKING or state in _TAKEN else CoarseState.CLOSED


def fhir_status(state: NeedState, *, engaged_before: bool, released: bool) -> str:
    """The parent Task's FHIR status (domain.md §10.2).

    `engaged_before`: the need was once accepted, so that a new search is on-hold. `released`: the survivor released
    what became of it (FG25); without that the status stays coarse.
    """
    fixed = _FHIR_FIXED.get(state)
    if fixed is not None:
        return fixed
    if not released:
        return "accepted" if state in _SEEKING or state in _TAKEN else "completed"
    if state in _SEEKING:
        return "on-hold" if engaged_before else "accepted"
    return "in-progress" if state in _TAKEN else "failed"


_FAMILIES: Final = {
    DeclineFamily.CAPACITY: "NO_CAPACITY_BEDS NO_CAPACITY_STAFF NO_FUNDING WAITLIST_ONLY",
    DeclineFamily.NOT_A_FIT: "NOT_ELIGIBLE_AREA NOT_ELIGIBLE_AGE HOUSEHOLD_TOO_LARGE CANNOT_ACCOMMODATE_ACCESS "
    "CANNOT_ACCOMMODATE_PET LANGUAGE_UNAVAILABLE NEEDS_HIGHER_CARE SERVICE_NOT_OFFERED OVER_INCOME "
    "CASE_TYPE_NOT_HANDLED DEADLINE_TOO_SOON",
    DeclineFamily.PROCESS: "INCOMPLETE_REFERRAL DUPLICATE CONSENT_INSUFFICIENT UNSAFE_CONTACT_DETAILS OUTSIDE_HOURS "
    "SYSTEM_UNAVAILABLE",
}

_FAMILY: Final = {DeclineReason(name): family for family, names in _FAMILIES.items() for name in names.split()}


def decline_family(reason: DeclineReason) -> DeclineFamily:
    """What a source may hear of a decline, if it was released at all (domain.md §10.5).

    The safety reasons would tell who lives there, and a conflict of interest whom the office represents: WITHHELD.
    """
    return _FAMILY.get(reason, DeclineFamily.WITHHELD)
