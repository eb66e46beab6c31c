"""A provider of the practice network, played: each offer is answered as its part is written, and no person decides.

For whoever connects a system and wants to meet every course that a referral can take, the unhappy ones above all.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final

from adapters.errors import AnswerNotPossible, ContactNotAgreed
from adapters.inbox.answering import Answered
from adapters.inbox.inbox import Inbox
from adapters.inbox.listing import OfferSeen
from adapters.standing import Standing
from broker.schemas.contact_attempted import AttemptOutcome
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.vocabulary import DeclineReason


class Part(StrEnum):
    """How a provider behaves. One that never answers at all needs nobody to play it."""

    SERVES = "serves"
    """It accepts, is in touch, begins, completes, and says what became of what was taken back."""
    DECLINES = "declines"
    """It has no staff."""
    WAITLISTS = "waitlists"
    """It offers a place in the queue, and leaves it at that."""
    GIVES_BACK = "gives-back"
    """It accepts, and gives the offer back before the service has begun."""
    UNREACHABLE = "unreachable"
    """It accepts, tries once, and says that she cannot be reached."""
    LEAVES = "leaves"
    """It accepts and is not heard of again: contact falls due, and so does whatever is taken back."""


Act = Callable[[Inbox, OfferSeen], Awaitable[Answered]]


async def _accepts(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.accept(offer.offer_id)


async def _declines(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.decline(offer.offer_id, DeclineReason.NO_CAPACITY_STAFF)


async def _waitlists(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.waitlist(offer.offer_id)


async def _gives_back(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.give_back(offer.offer_id, DeclineReason.NO_CAPACITY_STAFF)


async def _cannot_reach(inbox: Inbox, offer: OfferSeen) -> Answered:
    try:
        await inbox.contact_attempted(offer.offer_id, AttemptOutcome.NO_ANSWER)
    except ContactNotAgreed:
        await inbox.contact_attempted(offer.offer_id, AttemptOutcome.OUTSIDE_WINDOW_SKIPPED)
    return await inbox.contact_unreachable(offer.offer_id)


async def _is_in_touch(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.contact_made(offer.offer_id)


async def _begins(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.service_started(offer.offer_id, min(inbox.provider.kind.POLICY.services))


async def _completes(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.service_completed(offer.offer_id, min(inbox.provider.kind.POLICY.outcomes))


PARTS: Final[Mapping[Part, Mapping[Standing, Act]]] = {
    Part.SERVES: {
        Standing.WAITING: _accepts,
        Standing.CONTACT_PENDING: _is_in_touch,
        Standing.ENGAGED: _begins,
        Standing.IN_SERVICE: _completes,
    },
    Part.DECLINES: {Standing.WAITING: _declines},
    Part.WAITLISTS: {Standing.WAITING: _waitlists},
    Part.GIVES_BACK: {Standing.WAITING: _accepts, Standing.CONTACT_PENDING: _gives_back},
    Part.UNREACHABLE: {Standing.WAITING: _accepts, Standing.CONTACT_PENDING: _cannot_reach},
    Part.LEAVES: {Standing.WAITING: _accepts},
}
"""What each part does to an offer that stands so."""


async def play(inbox: Inbox, part: Part) -> list[tuple[str, Standing | None]]:
    """One act at most for each offer that is at hand; returns their references, and where each of them stands now.

    An offer whose last answer has not left yet is let be: the broker is to hear them one by one.
    """
    done: list[tuple[str, Standing | None]] = []
    for offer in await inbox.offers():
        act = None if offer.unsent else _act(part, offer)
        if act is None:
            continue
        try:
            answered = await act(inbox, offer)
        except AnswerNotPossible:
            continue  # It ended while we looked at it; the next look shows it.
        done.append((offer.reference, answered.standing))
    return done


def _act(part: Part, offer: OfferSeen) -> Act | None:
    if offer.taken_back:
        return None if part is Part.LEAVES else _complies
    return PARTS[part].get(offer.standing)


async def _complies(inbox: Inbox, offer: OfferSeen) -> Answered:
    return await inbox.revocation_acknowledged(offer.offer_id, RevocationOutcome.COMPLIED)
