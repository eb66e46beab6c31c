"""The zone's own gate: whether what the broker has let through may still be handed over, asked anew at each attempt.

Pure. The courier asks it in the transaction that claims the attempt, under a lock on the offer, so that a withdrawal or
a revocation that was stored before is seen, and one that comes after waits for the claim (docs/decisions/0100).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from adapters.reminding import is_owed
from adapters.standing import OPEN, TAKEN, Standing
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import Acknowledgment

RULES: Final = "provider-gate-1"
"""Which rules were asked, as attempts name them."""


class Stop(StrEnum):
    """Why something is not handed over now, or any more."""

    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    ANSWERED = "ANSWERED"
    """A person has said yes or no already, by whatever door."""
    NOT_ACCEPTED = "NOT_ACCEPTED"
    """A release to a provider that has not accepted, has given the offer back, or is done."""
    TAKEN_BACK = "TAKEN_BACK"
    """Nothing is left of what was released: the survivor took it back, or it was released anew."""
    RELEASE_ENDED = "RELEASE_ENDED"
    CONTENT_GONE = "CONTENT_GONE"
    """The offer is open, and its text is not here to be handed over."""
    TOO_LATE = "TOO_LATE"
    """It is of no use any more, and has not arrived."""


EXPLAINED: Final = {
    Stop.WITHDRAWN: "The broker has taken the offer back, so nothing more is sent of it.",
    Stop.EXPIRED: "The offer has ended without an answer; somebody else is being asked.",
    Stop.ANSWERED: "Somebody has answered the offer already.",
    Stop.NOT_ACCEPTED: "The offer is not accepted and under way, so nothing released may be handed over.",
    Stop.TAKEN_BACK: "The survivor has taken back what was released. It is not sent again, whoever asks.",
    Stop.RELEASE_ENDED: "The release has ended; nothing of it may be handed over any more.",
    Stop.CONTENT_GONE: "What would be handed over is not kept here any more.",
    Stop.TOO_LATE: "Its time is over: it would be of no use.",
}
"""What a person is told who asks for it to be sent again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the zone holds, at the moment of asking, of the offer that a delivery is about. Times are UTC."""

    type: str
    standing: Standing
    has_content: bool
    """Whether the text of the offer, or the event itself, is here."""
    answer_by: datetime | None
    stop_at: datetime | None
    held: bool = False
    """Whether anything of the release that this delivery is about is still held."""
    release_ends: datetime | None = None
    owed: Acknowledgment | None = None
    """What a reminder says has not come."""


_OVER: Final = {Standing.WITHDRAWN: Stop.WITHDRAWN, Standing.EXPIRED: Stop.EXPIRED}


def stopped(facts: Facts, now: datetime) -> Stop | None:
    """Why this may not be handed over at `now`; None where it may.

    That something was taken back, has ended or was revoked may always be told: it only takes away.
    """
    reason: Stop | None = None
    if facts.type == OfferMade.TYPE:
        reason = _offer(facts, now)
    elif facts.type == DisclosureReleased.TYPE:
        reason = _release(facts, now)
    elif facts.owed is not None and not is_owed(facts.owed, facts.standing):
        reason = _OVER.get(facts.standing, Stop.ANSWERED)
    elif not facts.has_content:
        reason = Stop.CONTENT_GONE
    if reason is None and facts.stop_at is not None and facts.stop_at <= now:
        return Stop.TOO_LATE
    return reason


def _offer(facts: Facts, now: datetime) -> Stop | None:
    if facts.standing not in OPEN:
        return _OVER.get(facts.standing, Stop.ANSWERED)
    if facts.answer_by is None or facts.answer_by <= now:
        return Stop.TOO_LATE
    return None if facts.has_content else Stop.CONTENT_GONE


def _release(facts: Facts, now: datetime) -> Stop | None:
    if facts.standing not in TAKEN:
        return _OVER.get(facts.standing, Stop.NOT_ACCEPTED)
    if not facts.held:
        return Stop.TAKEN_BACK
    return Stop.RELEASE_ENDED if facts.release_ends is not None and facts.release_ends <= now else None
