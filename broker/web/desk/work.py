"""What waits for a human: who has it, whose it becomes, what was decided. Each look and each step is an entry.

GET  /worklist                   the list, the most urgent first
GET  /worklist/decided/{what}    what happens next, after a decision
GET  /worklist/{item}            one item: why, whom to call, what happens by itself
POST /worklist/{item}/claim      takes it for ten minutes, or for ten more; takes it over where that is said
POST /worklist/{item}/release    gives it back
POST /worklist/{item}/assign     gives it to a role
POST /worklist/{item}/resolve    says what was decided, and has it done
"""

from http import HTTPStatus
from typing import Final, Literal

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker import limits
from broker.domain.work_list import Resolution, UnmetReason
from broker.entry.forms import FormInvalid, Keyed, read_form
from broker.entry.rendering import page, stored
from broker.look.language import _
from broker.schemas.ids import new_event_id
from broker.store import work as store
from broker.web.desk import words
from broker.web.desk.acting import once
from broker.web.desk.shown import decisions, facts, item, rungs, since
from broker.web.desk.who import Worker

router = APIRouter()


class _Claim(Keyed):
    over: Literal["yes"] | None = None
    """Although somebody else has it; the trail says so."""


class _Assign(Keyed):
    to: Literal["role:coordinator", "role:operator", "role:manager", "role:privacy-officer"]


class _Resolve(Keyed):
    resolution: Resolution
    unmet: UnmetReason | None = None


_NOW: Final = "SELECT clock_timestamp()"


@router.get("/worklist")
async def work_list(who: Worker) -> Response:
    """All that waits, up to what anybody reads."""
    async with who.desk.pool.acquire() as connection:
        lines = await store.read_list(connection, who.by)
        now = await connection.fetchval(_NOW)
    items = [item(line, now, who.by) for line in lines[: limits.desk_rows_max]]
    return page("work.html", who, items=items, total=len(lines), now=now, since=since(now))


@router.get("/worklist/{work_id}")
async def one_item(who: Worker, work_id: str) -> Response:
    """One of them."""
    async with who.desk.pool.acquire() as connection:
        line = await store.read_one(connection, work_id, who.by)
        concerned = await store.concerned(connection, line)
        now = await connection.fetchval(_NOW)
    return page(
        "item.html",
        who,
        one=item(line, now, who.by),
        facts=facts(line, concerned),
        rungs=rungs(line, concerned),
        decisions=decisions(line),
        unmet=[(reason.value, _(said)) for reason, said in words.UNMET.items()],
        to=[(role, _(said)) for role, said in words.TO.items()],
        key=new_event_id(),
        now=now,
    )


@router.post("/worklist/{work_id}/claim")
async def claim(who: Worker, work_id: str, request: Request) -> Response:
    """For ten minutes; whoever comes later is told that somebody has it."""
    form = await read_form(request, _Claim)
    async with once(who, form.key) as connection:
        if connection is not None:
            await store.claim(connection, work_id, who.by, override=form.over is not None)
    return stored(who, f"/worklist/{work_id}")


@router.post("/worklist/{work_id}/release")
async def release(who: Worker, work_id: str, request: Request) -> Response:
    """For whoever comes next."""
    form = await read_form(request, Keyed)
    async with once(who, form.key) as connection:
        if connection is not None:
            await store.release(connection, work_id, who.by)
    return stored(who, f"/worklist/{work_id}")


@router.post("/worklist/{work_id}/assign")
async def assign(who: Worker, work_id: str, request: Request) -> Response:
    """To a role: meanwhile nobody is reminded or asked by itself."""
    form = await read_form(request, _Assign)
    async with once(who, form.key) as connection:
        if connection is not None:
            await store.assign(connection, work_id, form.to, who.by)
    return stored(who, f"/worklist/{work_id}")


@router.post("/worklist/{work_id}/resolve")
async def resolve(who: Worker, work_id: str, request: Request) -> Response:
    """What was decided is done at once, under the same rules as everything else."""
    form = await read_form(request, _Resolve)
    unmet = form.unmet if form.resolution is Resolution.CLOSE_UNMET else None
    if form.resolution is Resolution.CLOSE_UNMET and unmet is None:
        raise FormInvalid
    async with once(who, form.key) as connection:
        if connection is not None:
            await store.resolve(connection, work_id, who.by, form.resolution, unmet)
    return RedirectResponse(f"/worklist/decided/{form.resolution.value}", 303)


@router.get("/worklist/decided/{resolution}")
async def decided(who: Worker, resolution: str) -> Response:
    """What happens next."""
    if resolution not in Resolution.__members__:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    told = words.DECISIONS[Resolution(resolution)]
    return page("decided.html", who, decided=words.Why(_(told.what), _(told.do)))
