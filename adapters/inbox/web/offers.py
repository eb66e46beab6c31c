"""The list, an offer, its answer, and what was released after it. Every act is a call of the inbox.

GET  /                              what waits and what is under way
GET  /offers/{offerId}              one offer; nothing of what was released for it
POST /offers/{offerId}/draft        what is chosen and not sent yet
POST /offers/{offerId}/answer       yes, no, or a place in the queue
POST /offers/{offerId}/opened       what was released: who opens it, and whether details are shown, is written first
POST /offers/{offerId}/confirmed    the worker says that the safe contact still holds
POST /offers/{offerId}/progress     how it goes on: contact, service, what it came to
POST /offers/{offerId}/revocation   what became of what was taken back
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from adapters.errors import OfferNotFound
from adapters.inbox.listing import OfferSeen
from adapters.inbox.panels import LIVE_FIRST
from adapters.inbox.web import progress
from adapters.inbox.web.drafts import Draft, Drafts
from adapters.inbox.web.roles import StaffRole
from adapters.inbox.web.shown import line, opened, shown
from adapters.inbox.web.who import Decider, Deciding, Reader, SignedIn
from adapters.standing import OPEN, Standing
from broker.entry.forms import FormInvalid, Keyed, Nothing, Wrong, read_form
from broker.entry.rendering import page, stored
from broker.look.language import _
from broker.schemas.event import Contract, EventData
from broker.schemas.ids import OFFER_ID_PATTERN, new_event_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.vocabulary import DeclineReason

router = APIRouter()

_OFFER_ID: Final = re.compile(OFFER_ID_PATTERN)


_Choice = Literal["accept", "live", "waitlist", "decline"]


class _Answer(Keyed):
    answer: _Choice
    reason: DeclineReason | None = None


class _Draft(Contract):
    answer: _Choice
    reason: DeclineReason | None = None


class _Open(Contract):
    contact: Literal["show"] | None = None


class _Revocation(Keyed):
    outcome: RevocationOutcome


async def own_offer(who: SignedIn, offer_id: str) -> OfferSeen:
    """The one way from an id in a path to an offer.

    Raises:
        OfferNotFound: also for another provider's offer, and for what is no id at all.
    """
    if _OFFER_ID.fullmatch(offer_id) is None:
        raise OfferNotFound
    return await who.inbox.find(offer_id)


@router.get("/")
async def listed(who: Reader) -> Response:
    """What waits and what is under way, most urgent first."""
    now = await who.inbox.now()
    lines = [line(offer, now) for offer in await who.inbox.offers()]
    # Rounded down: what came within this millisecond is told rather twice than not at all.
    failing = [one.told() for one in await who.inbox.failing()]
    return page("list.html", who, lines=lines, failing=failing, now=now, since=int(now.timestamp() * 1000))


@router.get("/offers/{offer_id}")
async def offer(who: Reader, offer_id: str) -> Response:
    """One offer."""
    seen = await own_offer(who, offer_id)
    await who.inbox.seen(seen.offer_id)
    return await _offer_page(who, seen, draft=await _kept(who, seen))


async def _offer_page(who: SignedIn, seen: OfferSeen, wrong: Sequence[Wrong] = (), **content: Any) -> Response:
    kind, now = who.inbox.provider.kind, await who.inbox.now()
    steps = progress.steps(seen, kind) if _decides(who) else ()
    answerable = seen.standing in OPEN and _decides(who)
    urgent = answerable and seen.priority in LIVE_FIRST
    return page(
        "offer.html",
        who,
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        offer=shown(seen, kind, now, await who.inbox.answered(seen.offer_id)),
        reasons=sorted(kind.POLICY.decline_reasons),
        outcomes=tuple(RevocationOutcome),
        steps=steps,
        decides=_decides(who),
        on_call=await who.inbox.roster.on_call(now) if urgent else (),
        live=seen.standing in (Standing.ACCEPTED, Standing.HANDOFF),
        key=new_event_id(),
        now=now,
        wrong=wrong,
        **{"opened": None, "draft": None, **content},
    )


async def _kept(who: SignedIn, seen: OfferSeen) -> Draft | None:
    """What whoever looks had chosen and not sent, where they may still answer."""
    return await _drafts(who).kept(seen.offer_id) if seen.standing in OPEN and _decides(who) else None


def _drafts(who: SignedIn) -> Drafts:
    return Drafts(who.desk.pool, who.session.org, who.session.account.account_id)


def _decides(who: SignedIn) -> bool:
    return StaffRole(who.session.role).decides


@router.post("/offers/{offer_id}/draft", status_code=HTTPStatus.NO_CONTENT)
async def draft(who: Decider, offer_id: str, request: Request) -> Response:
    """Keep what is chosen, so that a session may end in between."""
    seen = await own_offer(who, offer_id)
    form = await read_form(request, _Draft)
    if seen.standing in OPEN:
        reason = form.reason.value if form.reason is not None else None
        await _drafts(who).keep(seen.offer_id, Draft(form.answer, reason))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/offers/{offer_id}/answer")
async def answer(who: Decider, offer_id: str, request: Request) -> Response:
    """Yes, no, or a place in the queue: once, however often the form is sent."""
    seen = await own_offer(who, offer_id)
    try:
        form = await read_form(request, _Answer)
        fact = _fact(form, seen, who)
    except FormInvalid as invalid:
        lacking = {"answer": _("Choose your answer."), "reason": _("Choose why it is a no.")}
        chosen = Draft(invalid.sent.get("answer", ""), invalid.sent.get("reason"))
        return await _mended(who, seen, invalid.told(lacking), draft=chosen)
    await who.inbox.answer(seen.offer_id, fact, event_id=form.key)
    await _drafts(who).forget(seen.offer_id)
    return stored(who, f"/offers/{seen.offer_id}{'/handoff' if form.answer == 'live' else ''}")


async def _mended(who: SignedIn, seen: OfferSeen, wrong: Sequence[Wrong], draft: Draft | None = None) -> Response:
    """The offer again, with what has to be mended in its form.

    Raises:
        FormInvalid: the offer has no such form any more.
    """
    answers = any(one.name in _Answer.model_fields for one in wrong)
    if not (seen.standing in OPEN if answers else progress.steps(seen, who.inbox.provider.kind)):
        raise FormInvalid
    return await _offer_page(who, seen, wrong, draft=draft)


def _fact(form: _Answer, seen: OfferSeen, who: Deciding) -> EventData:
    match form.answer:
        case "accept" | "live":
            return OfferAccepted(offer_id=seen.offer_id, accepted_by=who.role, live_transfer=form.answer == "live")
        case "waitlist":
            return OfferWaitlisted(offer_id=seen.offer_id)
    if form.reason is None:
        raise FormInvalid(frozenset({"reason"}), {"answer": form.answer})
    return OfferDeclined(offer_id=seen.offer_id, reason=form.reason)


@router.post("/offers/{offer_id}/opened")
async def open_released(who: Decider, offer_id: str, request: Request) -> Response:
    """Open what was released; the answer to this very request is the only place where it is shown."""
    seen = await own_offer(who, offer_id)
    form = await read_form(request, _Open)
    contact = form.contact is not None
    groups = await who.inbox.open_groups(seen.offer_id, reader=who.role, contact_shown=contact)
    kind, now = who.inbox.provider.kind, await who.inbox.now()
    return await _offer_page(who, seen, opened=opened(groups, seen, kind, now, contact=contact))


@router.post("/offers/{offer_id}/confirmed")
async def confirmed(who: Decider, offer_id: str, request: Request) -> Response:
    """The worker named in the offer was asked just now: the safe contact still holds."""
    seen = await own_offer(who, offer_id)
    await read_form(request, Nothing)
    await who.inbox.contact_confirmed(seen.offer_id, by=who.role)
    return stored(who, f"/offers/{seen.offer_id}")


@router.post("/offers/{offer_id}/progress")
async def go_on(who: Decider, offer_id: str, request: Request) -> Response:
    """How it goes on after acceptance."""
    seen = await own_offer(who, offer_id)
    try:
        form = await read_form(request, progress.ProgressForm)
    except FormInvalid as invalid:
        return await _mended(who, seen, invalid.told({"step": _("Choose what happened.")}))
    await progress.tell(who.inbox, seen, form, who.role)
    return stored(who, f"/offers/{seen.offer_id}")


@router.post("/offers/{offer_id}/revocation")
async def acknowledge(who: Reader, offer_id: str, request: Request) -> Response:
    """What became of what was taken back: privacy officers say so, too."""
    seen = await own_offer(who, offer_id)
    try:
        form = await read_form(request, _Revocation)
    except FormInvalid as invalid:
        if not seen.taken_back:
            raise
        return await _offer_page(who, seen, invalid.told({"outcome": _("Choose what became of it.")}))
    await who.inbox.revocation_acknowledged(seen.offer_id, form.outcome, event_id=form.key)
    return stored(who, f"/offers/{seen.offer_id}")
