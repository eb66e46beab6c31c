"""What is true of the house and not of one offer: its free places, who is on call, and who has opened what.

GET  /capacity         what was last said of free places, and how long ago
POST /capacity         how many there are now: a number and a tap
GET  /readings         who has opened what was released; of one offer: ?offer=off-…
GET  /roster           who is on call, now and next
POST /roster           writes a turn down
POST /roster/clear     strikes one out
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters import words
from adapters.inbox.capacity import Told
from adapters.inbox.roster import Turn
from adapters.inbox.web.offers import own_offer
from adapters.inbox.web.who import Decider, Overseer, Reader
from broker import limits
from broker.entry.forms import FormInvalid, read_form
from broker.entry.rendering import page
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.event import Contract
from broker.schemas.field_groups import GROUPS
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.shapes import PhoneNumber
from broker.schemas.vocabulary import CapacityBucket, Service

router = APIRouter()


def _minute(told: object) -> object:
    """A moment as browsers send it from `datetime-local`, which the page labels as UTC."""
    return datetime.strptime(told, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC) if isinstance(told, str) else told


def _whole(told: object) -> object:
    return int(told) if isinstance(told, str) else told


Minute = Annotated[datetime, BeforeValidator(_minute)]


class _Capacity(Contract):
    service: Service
    unit: CapacityUnit
    available: CapacityBucket


class _NewTurn(Contract):
    role: AcceptedBy
    starts: Minute
    hours: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=72)]
    number: PhoneNumber


class _Struck(Contract):
    role: AcceptedBy
    starts: Minute


def _row(told: Told, now: datetime) -> dict[str, object]:
    fact, at = told
    return {"fact": fact, "age": words.span(now - at), "old": now - at > timedelta(hours=limits.capacity_fresh_hours)}


@router.get("/capacity")
async def capacity(who: Reader) -> Response:
    """Each count with its age: an old one is worth nothing to whoever looks for a bed."""
    policy, now = who.inbox.provider.kind.POLICY, await who.inbox.now()
    return page(
        "capacity.html",
        who,
        told=[_row(one, now) for one in await who.inbox.capacity_told()],
        services=sorted(policy.services),
        units=sorted(policy.units),
        buckets=tuple(CapacityBucket),
        decides=who.session.role.decides,
        now=now,
    )


@router.post("/capacity")
async def tell_capacity(who: Decider, request: Request) -> Response:
    """Say it to the network."""
    form = await read_form(request, _Capacity)
    await who.inbox.capacity(form.service, form.unit, form.available)
    return RedirectResponse("/capacity", 303)


@router.get("/readings")
async def readings(who: Overseer, offer: str | None = None) -> Response:
    """By role and a short reference of the account: names are the house's own affair."""
    seen = await own_offer(who, offer) if offer is not None else None
    found = await who.inbox.readings(of=None if seen is None else seen.offer_id)
    return page(
        "readings.html",
        who,
        readings=found,
        labels={group: facts.label for group, facts in GROUPS.items()},
        only=None if seen is None else seen.reference,
        most=limits.readings_shown_max,
        now=await who.inbox.now(),
    )


@router.get("/roster")
async def roster(who: Reader) -> Response:
    """It never leaves this house."""
    now = await who.inbox.now()
    turns = await who.inbox.roster.coming(now)
    return page(
        "roster.html",
        who,
        turns=turns,
        covered=any(turn.starts_at <= now for turn in turns),
        roles=tuple(AcceptedBy),
        decides=who.session.role.decides,
        now=now,
    )


@router.post("/roster")
async def write_down(who: Decider, request: Request) -> Response:
    """One of the same role and beginning is replaced."""
    form = await read_form(request, _NewTurn)
    ends_at = form.starts + timedelta(hours=form.hours)
    await who.inbox.roster.set(Turn(role=form.role, starts_at=form.starts, ends_at=ends_at, number=form.number))
    return RedirectResponse("/roster", 303)


@router.post("/roster/clear")
async def strike_out(who: Decider, request: Request) -> Response:
    """A turn that is not there is not there."""
    form = await read_form(request, _Struck)
    if not await who.inbox.roster.clear(form.role, form.starts):
        raise FormInvalid
    return RedirectResponse("/roster", 303)
