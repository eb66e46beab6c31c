"""Records that were not taken in: why, whose, what to do; judged again now, or given up. Several at once: `handoff`.

GET  /quarantine                      what is open, by code, and the newest
GET  /quarantine/codes/{code}         those that were refused with one code
GET  /quarantine/{record}             one of them, named as topic/partition/offset
GET  /quarantine/{record}/release     what would come of it, and why it is to be judged again
POST /quarantine/{record}/release     judges it again
GET  /quarantine/{record}/discard     why nothing more is to be done
POST /quarantine/{record}/discard     gives it up
"""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker import limits
from broker.bus.rereading import rereader
from broker.entry.forms import Keyed, read_form
from broker.entry.rendering import page, stored
from broker.errors import KafkaUnreachable
from broker.judging_again import Judgement, judge_again
from broker.look.language import _
from broker.schemas.ids import new_event_id
from broker.schemas.refusal import ADVICE, RefusalCode
from broker.sql.bulk import Connection
from broker.store import quarantine as store
from broker.store.quarantine import DiscardReason, Filter, Quarantined, ReleaseReason
from broker.web.desk import words
from broker.web.desk.acting import once
from broker.web.desk.errors import RecordSettled
from broker.web.desk.records import OPENS, facts, judged, line
from broker.web.desk.who import Desk, Settler, Worker, Working

router = APIRouter()

_RECORD: Final = "/quarantine/{topic}/{partition}/{offset}"
_NOW: Final = "SELECT clock_timestamp()"


class _Release(Keyed):
    reason: ReleaseReason


class _Discard(Keyed):
    reason: DiscardReason


@router.get("/quarantine")
async def all_of_them(who: Worker) -> Response:
    """Where each lies and why; never what it says."""
    return await _listed(who, None)


@router.get("/quarantine/codes/{code}")
async def of_code(who: Worker, code: str) -> Response:
    """Those of one code."""
    if code not in RefusalCode.__members__:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return await _listed(who, RefusalCode(code))


async def _listed(who: Working, code: RefusalCode | None) -> Response:
    async with who.desk.pool.acquire() as connection:
        codes = await store.by_code(connection)
        rows = await store.found(connection, Filter(code), who.desk.broker_org, limits.desk_rows_max)
        now = await connection.fetchval(_NOW)
    return page(
        "quarantine.html",
        who,
        codes=[(one, words.ago(one.oldest, now)) for one in codes],
        total=sum(one.open for one in codes if code in (None, one.code)),
        code=code,
        meaning=ADVICE[code].meaning if code is not None else None,
        rows=[line(one, who.desk.broker_org, now) for one in rows],
        now=now,
    )


@router.get(_RECORD)
async def one_record(who: Worker, topic: str, partition: str, offset: str) -> Response:
    """Why, whose, what to do, and whether Kafka still has it."""
    async with who.desk.pool.acquire() as connection:
        one = await _named(connection, topic, partition, offset)
        now = await connection.fetchval(_NOW)
    kept = await _kept(who.desk, one)
    return page(
        "record.html",
        who,
        one=line(one, who.desk.broker_org, now),
        facts=facts(one, kept=kept),
        advice=ADVICE[one.code],
        open=one.settled is None,
        kept=kept,
        now=now,
    )


@router.get(f"{_RECORD}/release")
async def before_release(who: Settler, topic: str, partition: str, offset: str) -> Response:
    """It is judged as if it were released, and all of that is undone."""
    async with who.desk.pool.acquire() as connection:
        one = await _open(connection, topic, partition, offset)
        now = await connection.fetchval(_NOW)
        would = await _judged(connection, who, one, ReleaseReason.DEFECT_MENDED, dry_run=True)
    return page(
        "release.html",
        who,
        one=line(one, who.desk.broker_org, now),
        would=judged(would),
        opens=would.judged in OPENS,
        reasons=[(reason.value, _(said)) for reason, said in words.RELEASES.items()],
        key=new_event_id(),
        now=now,
    )


@router.post(f"{_RECORD}/release")
async def release(who: Settler, topic: str, partition: str, offset: str, request: Request) -> Response:
    """It is judged now, as if it came anew: nothing is waived."""
    form = await read_form(request, _Release)
    async with once(who, form.key) as connection:
        if connection is not None:
            one = await _open(connection, topic, partition, offset)
            await _judged(connection, who, one, form.reason)
    return stored(who, _address(topic, partition, offset))


@router.get(f"{_RECORD}/discard")
async def before_discard(who: Settler, topic: str, partition: str, offset: str) -> Response:
    """There is no way back."""
    async with who.desk.pool.acquire() as connection:
        one = await _open(connection, topic, partition, offset)
        now = await connection.fetchval(_NOW)
    reasons = [(reason.value, _(said)) for reason, said in words.DISCARDS.items()]
    return page(
        "discard.html", who, one=line(one, who.desk.broker_org, now), reasons=reasons, key=new_event_id(), now=now
    )


@router.post(f"{_RECORD}/discard")
async def discard(who: Settler, topic: str, partition: str, offset: str, request: Request) -> Response:
    """Nothing more is done about it; the trail says why."""
    form = await read_form(request, _Discard)
    async with once(who, form.key) as connection:
        if connection is not None:
            one = await _open(connection, topic, partition, offset)
            await store.discard(connection, one, form.reason, who.by)
    return stored(who, _address(topic, partition, offset))


async def _named(connection: Connection, *parts: str) -> Quarantined:
    try:
        one = await store.named(connection, "/".join(parts))
    except ValueError:
        one = None
    if one is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return one


async def _open(connection: Connection, *parts: str) -> Quarantined:
    one = await _named(connection, *parts)
    if one.settled is not None:
        raise RecordSettled
    return one


async def _kept(desk: Desk, one: Quarantined) -> bool | None:
    """Whether Kafka still has it; None where that cannot be said."""
    try:
        async with rereader(desk.kafka) as reader:
            return await reader.read(*one.place) is not None
    except KafkaUnreachable:
        return None


async def _judged(
    connection: Connection, who: Working, one: Quarantined, reason: ReleaseReason, *, dry_run: bool = False
) -> Judgement:
    async with rereader(who.desk.kafka) as reader:
        return await judge_again(connection, who.desk.judge, reader, one, reason, who.by, dry_run=dry_run)


def _address(*parts: str) -> str:
    return f"/quarantine/{'/'.join(parts)}"
