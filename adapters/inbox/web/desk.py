"""What is true of the house and not of one offer: its free places, who is on call, and who has opened what.

GET  /capacity         what was last said of free places, and how long ago
POST /capacity         how many there are now: a number and a tap
GET  /readings         who has opened what was released; of one offer: ?offer=off-…
GET  /roster           who is on call, now and next
POST /roster           writes a turn down
POST /roster/clear     strikes one out
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from adapters import words
from adapters.inbox.capacity import Told
from adapters.inbox.roster import Turn
from adapters.inbox.web.offers import own_offer
from adapters.inbox.web.who import Decider, Overseer, Reader, SignedIn
from broker import limits
from broker.entry.forms import FormInvalid, Wrong, read_form
from broker.entry.rendering import page, stored
from broker.look import locales
from broker.look.language import _
from broker.look.zone import NoSuchHour, by_clocks
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.event import Contract
from broker.schemas.field_groups import GROUPS
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.shapes import PhoneNumber
from broker.schemas.vocabulary import CapacityBucket, Service

router = APIRouter()

_WRITTEN: Final = "%Y-%m-%dT%H:%M"
_NOTHING: Final[Mapping[str, str]] = {}


def _minute(told: object) -> object:
    """A time as browsers send it from `datetime-local`, by the clocks that the page names."""
    return datetime.strptime(told, _WRITTEN) if isinstance(told, str) else told  # noqa: DTZ007  its zone is the house's


def _stored(told: object) -> object:
    """A moment as the page's own buttons send it, with its zone."""
    found = datetime.fromisoformat(told) if isinstance(told, str) else told
    if isinstance(found, datetime) and found.tzinfo is None:
        raise ValueError("a moment has a zone")
    return found


def _whole(told: object) -> object:
    return int(told) if isinstance(told, str) else told


ByClocks = Annotated[datetime, BeforeValidator(_minute)]
Stored = Annotated[datetime, BeforeValidator(_stored)]


class _Capacity(Contract):
    service: Service
    unit: CapacityUnit
    available: CapacityBucket


class _NewTurn(Contract):
    role: AcceptedBy
    starts: ByClocks
    hours: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=72)]
    number: PhoneNumber


class _Struck(Contract):
    role: AcceptedBy
    starts: Stored


def _row(told: Told, now: datetime) -> dict[str, object]:
    fact, at = told
    return {"fact": fact, "age": words.span(now - at), "old": now - at > timedelta(hours=limits.capacity_fresh_hours)}


@router.get("/capacity")
async def capacity(who: Reader) -> Response:
    """Each count with its age: an old one is worth nothing to whoever looks for a bed."""
    return await _capacity_page(who)


async def _capacity_page(who: SignedIn, wrong: Sequence[Wrong] = (), sent: Mapping[str, str] = _NOTHING) -> Response:
    policy, now = who.inbox.provider.kind.POLICY, await who.inbox.now()
    return page(
        "capacity.html",
        who,
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        told=[_row(one, now) for one in await who.inbox.capacity_told()],
        services=sorted(policy.services),
        units=sorted(policy.units),
        buckets=tuple(CapacityBucket),
        decides=who.session.role.decides,
        wrong=wrong,
        sent=sent,
        now=now,
    )


@router.post("/capacity")
async def tell_capacity(who: Decider, request: Request) -> Response:
    """Say it to the network."""
    try:
        form = await read_form(request, _Capacity)
    except FormInvalid as invalid:
        missing = {
            "service": _("Choose for what there are places."),
            "unit": _("Choose what is counted."),
            "available": _("Press how many there are now."),
        }
        return await _capacity_page(who, invalid.told(missing), invalid.sent)
    await who.inbox.capacity(form.service, form.unit, form.available)
    return stored(who, "/capacity")


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
    return await _roster_page(who)


async def _roster_page(who: SignedIn, wrong: Sequence[Wrong] = (), sent: Mapping[str, str] = _NOTHING) -> Response:
    now = await who.inbox.now()
    turns = await who.inbox.roster.coming(now)
    return page(
        "roster.html",
        who,
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        turns=turns,
        covered=any(turn.starts_at <= now for turn in turns),
        roles=tuple(AcceptedBy),
        decides=who.session.role.decides,
        place=locales.place(who.front.zone),
        wrong=wrong,
        sent={"starts": f"{now.astimezone(who.front.zone):{_WRITTEN}}", "hours": "12", **sent},
        now=now,
    )


@router.post("/roster")
async def write_down(who: Decider, request: Request) -> Response:
    """One of the same role and beginning is replaced. When it begins is read by this house's clocks."""
    try:
        form = await read_form(request, _NewTurn)
        starts_at = _begins(form, who.front.zone)
    except FormInvalid as invalid:
        return await _roster_page(who, invalid.told(_lacking()), invalid.sent)
    ends_at = starts_at + timedelta(hours=form.hours)
    await who.inbox.roster.set(Turn(role=form.role, starts_at=starts_at, ends_at=ends_at, number=form.number))
    return stored(who, "/roster")


def _begins(form: _NewTurn, zone: ZoneInfo) -> datetime:
    try:
        return by_clocks(form.starts, zone)
    except NoSuchHour:
        kept = {"role": form.role.value, "hours": str(form.hours), "number": form.number}
        raise FormInvalid(frozenset({"starts"}), kept) from None


def _lacking() -> Mapping[str, str]:
    """What there is to say of each field of a turn."""
    return {
        "role": _("Choose the role."),
        "starts": _("Say when it begins, at a time that there is: when clocks go forward, an hour is skipped."),
        "hours": _("Say for how many hours: from 1 to 72."),
        "number": _("Write the number with its country and without spaces: +15555550100."),
    }


@router.post("/roster/clear")
async def strike_out(who: Decider, request: Request) -> Response:
    """A turn that is not there is not there."""
    form = await read_form(request, _Struck)
    if not await who.inbox.roster.clear(form.role, form.starts):
        raise FormInvalid
    return stored(who, "/roster")
