"""What the desk calls things, in the reader's language: why something waits, what can be decided, whose turn it is."""

from datetime import datetime
from typing import Final, NamedTuple

from broker.called import KINDS
from broker.domain.work_list import Resolution, UnmetReason, Waiting
from broker.handlers.cases import NextAction
from broker.look.language import _
from broker.look.words import span
from broker.schemas.vocabulary import NeedState, Priority
from broker.store.quarantine import DiscardReason, ReleaseReason
from broker.store.ticks import CLOCK


class Why(NamedTuple):
    """Why something waits for a human, and what a human can do about it."""

    what: str
    do: str


REASONS: Final[dict[str, Why]] = {
    Waiting.OFFER_UNSEEN: Why(
        "Nobody at the provider has looked at an urgent request",
        "Call the provider: the request waits in its list.",
    ),
    Waiting.COORDINATOR_NEEDED: Why(
        "Half of the time is over and nobody has said yes",
        "Call providers that might help, or ask all of them again.",
    ),
    Waiting.NOBODY_LEFT: Why(
        "Nobody is left to be asked",
        "Find somebody outside of the list, ask all of them again, or say that the need stays unmet.",
    ),
    Waiting.MANAGER_NEEDED: Why(
        "The time is nearly over and nobody has said yes",
        "Tell whoever manages the programme; the worker has been shown the fallback number.",
    ),
    Waiting.EXPIRED_UNTAKEN: Why(
        "The time was over before anybody said yes",
        "Call the agency that asked: the person still needs help.",
    ),
    Waiting.UNREACHABLE: Why(
        "The provider could not reach the person",
        "Ask the agency that asked for another safe way; do not try yourself.",
    ),
    Waiting.KEYS_OVERDUE: Why(
        "A provider has said yes and cannot open what it needs",
        "Call the agency that asked: its system has not sent the keys.",
    ),
    Waiting.HANDOFF_OVERDUE: Why(
        "A live transfer was promised and did not come about",
        "Call the provider: the worker waits on the line.",
    ),
    Waiting.CONTACT_OVERDUE: Why(
        "The provider has not said that it is in touch",
        "Call the provider and ask whether the person has been reached.",
    ),
    Waiting.OUTCOME_OVERDUE: Why(
        "The provider has not said what it came to",
        "Ask the provider for the outcome.",
    ),
    Waiting.DEADLINE_FAILED: Why(
        "A step could not be taken by itself",
        "This is a defect of ours: take the step by telephone and report it.",
    ),
    Waiting.CLOCK_HELD: Why(
        "The clock has jumped, and every deadline is held",
        "Have the clock set right; if it is right, say that this is taken care of, and work goes on.",
    ),
    "UNDELIVERED": Why(
        "Something could not be handed over after the provider had said yes",
        "Call the provider; see which of its ways fail.",
    ),
    "REVOCATION_UNANSWERED": Why(
        "A recipient has not confirmed that something was taken back",
        "Call the recipient and ask for its confirmation.",
    ),
    "BREAK_GLASS_USED": Why(
        "A referral was opened in an emergency",
        "See that it is approved and reviewed in time.",
    ),
    "BREAK_GLASS_UNAPPROVED": Why(
        "An emergency was not approved in time",
        "Call the agency that opened it, and whoever must approve.",
    ),
    "BREAK_GLASS_UNREVIEWED": Why(
        "An emergency was not reviewed in time",
        "Have it reviewed: until then the agency may open no other.",
    ),
    "PAYLOAD_SHREDDED": Why(
        "What was to be released has been destroyed meanwhile",
        "Ask the agency to send it anew.",
    ),
    "KEY_REVOKED": Why(
        "A key was taken out of use after something had been handed over under it",
        "Tell the agency whose people it concerns what was exposed.",
    ),
}

DECISIONS: Final = {
    Resolution.HANDLED: Why("It is taken care of", "The need goes on as it stands."),
    Resolution.SEEK_AGAIN: Why("Ask all of them again, now", "Somebody has joined, or places have come free."),
    Resolution.CLOSE_UNMET: Why("It stays unmet", "The agency that asked is told that it is closed."),
}

UNMET: Final = {
    UnmetReason.NO_CAPACITY: "No places are free",
    UnmetReason.NO_PROVIDER: "There is no provider for it",
    UnmetReason.NO_ANSWER: "Nobody answered",
    UnmetReason.NO_CONSENT: "There is no consent for what is left",
    UnmetReason.HELPED_OUTSIDE: "Help came from outside the network",
}

STATES: Final = {
    NeedState.DRAFT: "being written",
    NeedState.SUBMITTED: "taken in",
    NeedState.CONSENT_HOLD: "waiting for consent",
    NeedState.MATCHING: "looking for a provider",
    NeedState.NO_MATCH: "without anybody who could be asked",
    NeedState.OFFERED: "offered, and nobody has said yes",
    NeedState.WAITLISTED: "on a waiting list, and others are asked",
    NeedState.ACCEPTED: "taken by a provider",
    NeedState.HANDOFF: "being handed over on the line",
    NeedState.CONTACT_PENDING: "with a provider that is not in touch yet",
    NeedState.ENGAGED: "with a provider that is in touch",
    NeedState.IN_SERVICE: "being helped",
    NeedState.INVALID: "over: it could not be taken in",
    NeedState.COMPLETED: "over: it was met",
    NeedState.ENDED_EARLY: "over: it ended early",
    NeedState.UNREACHABLE: "over: nobody could be reached",
    NeedState.SURVIVOR_DECLINED: "over: help was not wanted any more",
    NeedState.CLOSED_UNMET: "over: it stayed unmet",
    NeedState.CANCELLED: "over: it was withdrawn",
    NeedState.REVOKED: "over: consent was taken back",
    NeedState.EXPIRED: "over: its time had passed",
    NeedState.ENTERED_IN_ERROR: "over: it should never have existed",
}

THEN: Final = {
    NextAction.CLIMB_LADDER: "the next provider or human is called upon",
    NextAction.SEEK_AGAIN: "all providers are asked again",
    NextAction.CLOSE_UNMET: "it is closed as unmet",
    NextAction.EXPIRE_OFFERS: "the offers end, and others are asked",
    NextAction.EXPIRE_REFERRAL: "it ends",
    NextAction.CHASE_KEYS: "the agency is reminded of the keys",
    NextAction.ASK_FOR_KEYS: "the agency is asked for the keys anew",
    NextAction.CHASE_HANDOFF: "the live transfer is asked after",
    NextAction.CHASE_CONTACT: "the provider is reminded to be in touch",
    NextAction.CHASE_OUTCOME: "the provider is reminded to say what it came to",
}
"""What happens next by itself."""

RELEASES: Final = {
    ReleaseReason.ORGANISATION_ONBOARDED: "The organisation is in the network by now",
    ReleaseReason.KEY_REGISTERED: "Its key is known by now",
    ReleaseReason.AGREEMENT_RENEWED: "Its agreement was renewed",
    ReleaseReason.CAME_OUT_OF_ORDER: "It came before what it belongs to",
    ReleaseReason.DEFECT_MENDED: "A defect of ours was mended",
}

DISCARDS: Final = {
    DiscardReason.PUBLISHED_ANEW: "It was published anew",
    DiscardReason.PUBLISHER_GAVE_UP: "Its publisher does not need it any more",
    DiscardReason.TOLD_OTHERWISE: "It was told by telephone or otherwise",
    DiscardReason.FORGED: "It was forged",
    DiscardReason.NOT_AN_EVENT: "It is not an event at all",
    DiscardReason.RECORD_GONE: "Kafka does not keep it any more",
}

OWED: Final = {
    "REVOCATION": "Confirm that something was taken back",
    "CONTACT_OVERDUE": "Say whether it is in touch",
    "OUTCOME_OVERDUE": "Say what it came to",
    "KEYS_OVERDUE": "Send the keys",
    "HANDOFF_OVERDUE": "Take over on the line",
    "REVOCATION_UNCONFIRMED": "Never confirmed that something was taken back; nobody waits for it any more",
    "EMERGENCY_UNREVIEWED": "Never reviewed the emergency; nobody waits for it any more",
}

TO: Final = {
    "role:coordinator": "The coordinators",
    "role:operator": "The operators",
    "role:manager": "Whoever manages the programme",
    "role:privacy-officer": "The privacy officer",
}
"""To whom something can be given: roles, so that somebody is there at any hour."""
ROLES: Final = {
    "coordinator": "coordinator",
    "operator": "operator",
    "manager": "programme manager",
    "privacy-officer": "privacy officer",
    "auditor": "auditor",
}
_KINDS: Final = {**{str(kind): said for kind, said in KINDS.items()}, CLOCK: "The network itself"}
_URGENT: Final = (Priority.P0, Priority.P1)


def why(reason: str) -> Why:
    """Why something waits, and what to do."""
    told = REASONS.get(reason, Why(reason.replace("_", " ").lower(), ""))
    return Why(_(told.what), _(told.do) if told.do else "")


def kind(category: str) -> str:
    """What kind of help it is about."""
    return _(_KINDS.get(category, category.replace("_", " ").lower()))


def actor(by: str) -> str:
    """Who acts, as people say it: `role:coordinator-1f3a9c2e` is "coordinator 1f3a9c2e", a desk keeps its name."""
    _kind, _colon, name = by.partition(":")
    role, _dash, reference = name.rpartition("-")
    if name in ROLES:
        return _(ROLES[name])
    return f"{_(ROLES[role])} {reference}" if role in ROLES else name or by


def urgent(priority: str) -> bool:
    """Whether somebody waits tonight."""
    return priority in _URGENT


def ago(then: datetime, now: datetime) -> str:
    """How long something lies, as a person says it."""
    return _("%(span)s ago") % {"span": span(now - then)}
