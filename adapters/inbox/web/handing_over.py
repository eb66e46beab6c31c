"""A live transfer: whom to call, since when, and how it went. Nobody waits on a line for a page.

GET  /offers/{offerId}/handoff      the call back, the time that has passed, what can be said of it
POST /offers/{offerId}/handoff      picked up, taken over, or not come about, and why
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters import words
from adapters.inbox.listing import OfferSeen
from adapters.inbox.web.offers import own_offer
from adapters.inbox.web.shown import line
from adapters.inbox.web.who import Decider, Deciding
from adapters.standing import Standing, after
from broker.entry.forms import FormInvalid, Keyed, Wrong, read_form
from broker.entry.rendering import page, stored
from broker.look.language import _
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed, HandoffFailure
from broker.schemas.handoff_started import HandoffStarted, PickedUp
from broker.schemas.ids import new_event_id

router = APIRouter()

UNDER_WAY: Final = frozenset({Standing.ACCEPTED, Standing.HANDOFF})
"""A live transfer was promised, or has begun."""


class _Said(Keyed):
    step: Literal["WORKER", "BACKUP", "completed", "failed"]
    """Who has picked up, that she was taken over, or that it did not come about."""
    reason: HandoffFailure | None = None


@router.get("/offers/{offer_id}/handoff")
async def handoff(who: Decider, offer_id: str) -> Response:
    """Whom to call, and since when."""
    return await _handoff_page(who, await own_offer(who, offer_id))


async def _handoff_page(who: Deciding, seen: OfferSeen, wrong: Sequence[Wrong] = (), chosen: str = "") -> Response:
    if seen.standing not in UNDER_WAY:
        path = f"/offers/{seen.offer_id}"
        return stored(who, path) if who.session.stored else RedirectResponse(path, 303)
    now, since = await who.inbox.now(), await who.inbox.live_since(seen.offer_id)
    offer = words.as_of(seen.offer, now) if seen.offer is not None else None
    return page(
        "handoff.html",
        who,
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        line=line(seen, now),
        worker=offer.worker_contact if offer is not None else None,
        language=words.language(offer.access_needs) if offer is not None else None,
        begun=after(seen.standing, HandoffStarted) is None,
        seconds=max(0, int((now - since).total_seconds())) if since is not None else 0,
        span=words.span(now - since) if since is not None else "",
        failures=tuple(HandoffFailure),
        key=new_event_id(),
        wrong=wrong,
        chosen=chosen,
        now=now,
    )


@router.post("/offers/{offer_id}/handoff")
async def go_on(who: Decider, offer_id: str, request: Request) -> Response:
    """Store a step; the same form again is the same step."""
    seen = await own_offer(who, offer_id)
    try:
        form = await read_form(request, _Said)
        fact = _fact(form, seen, who)
    except FormInvalid as invalid:
        lacking = {"step": _("Choose how it goes."), "reason": _("Choose why it did not come about.")}
        return await _handoff_page(who, seen, invalid.told(lacking), invalid.sent.get("step", ""))
    await who.inbox.answer(seen.offer_id, fact, event_id=form.key)
    return stored(who, f"/offers/{seen.offer_id}/handoff")


def _fact(form: _Said, seen: OfferSeen, who: Deciding) -> EventData:
    match form.step:
        case "WORKER" | "BACKUP":
            return HandoffStarted(offer_id=seen.offer_id, taken_by=who.role, picked_up=PickedUp(form.step))
        case "completed":
            return HandoffCompleted(offer_id=seen.offer_id)
    if form.reason is None:
        raise FormInvalid(frozenset({"reason"}), {"step": form.step})
    return HandoffFailed(offer_id=seen.offer_id, reason=form.reason)
