"""The door for agencies as a web application: three routes, and on each an organisation whose signature holds.

Beside them the published log, which anybody may read (broker/web/log.py).

POST /events          an event, in binary or structured mode; 202 when Kafka has confirmed it
GET /events/{id}      what became of an event of one's own
GET /notices          what the broker has said to one's own organisation
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from broker import limits
from broker.agency.sending import Sender
from broker.look.language import _
from broker.look.speaking import Speaking, told_headers
from broker.schemas.event import Flow
from broker.schemas.ids import EVENT_ID_PATTERN, EventId, OrgId
from broker.schemas.refusal import ADVICE
from broker.schemas.topics import Topics
from broker.sql.bulk import Pool
from broker.store.outcomes import Outcome, Refusal, outcome_of
from broker.web.binding import kafka_headers
from broker.web.callers import Callers, Network
from broker.web.codes import EXPECTED, WORDING, WebCode, told
from broker.web.log import published
from broker.web.notices import AFTER, NoticeReader, read_cursor
from broker.web.problems import HEADERS, LastResort, Problem
from broker.web.rates import AtOnce, Rates
from broker.web.requests import COMPRESSED, whole_body
from broker.web.taking import Taking

WAIT: Final = "wait"
_EVENT_ID: Final = re.compile(EVENT_ID_PATTERN)
_SECONDS: Final = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class WebParts:
    """What the door is made of. It has no key at all: it verifies, and never signs or opens."""

    pool: Pool
    kafka: Mapping[str, Any]
    topics: Topics
    sender: Sender
    log: Path
    """The folder in which the log is published."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    ticks: Callable[[], float] = time.monotonic
    """Seconds that only grow."""


def agencies_door(parts: WebParts) -> FastAPI:
    """The door of this network."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(LastResort, wording=WORDING)
    app.add_middleware(AtOnce, requests_max=limits.web_requests_max)
    app.add_middleware(Speaking)
    for error in EXPECTED:
        app.add_exception_handler(error, told)
    network = Network(parts.pool)
    rates = Rates(limits.web_rate_per_second, limits.web_rate_burst, parts.ticks)
    called: Any = Depends(Callers(network, rates, parts.clock).of)
    taking = Taking(network, rates, parts.topics, parts.sender)
    reader = NoticeReader(parts.kafka)

    async def publish(request: Request) -> JSONResponse:
        event_id = await taking.take(kafka_headers(request.scope["headers"]), await _body(request))
        return JSONResponse({"eventId": event_id}, 202, headers={**HEADERS, "location": f"/events/{event_id}"})

    async def event(event_id: str, org: OrgId = called) -> JSONResponse:
        became = await _became(parts, org, event_id)
        return JSONResponse(became, headers={**HEADERS, **told_headers()})

    async def notices(request: Request, org: OrgId = called) -> JSONResponse:
        after, wait = read_cursor(request.query_params.get(AFTER)), _wait(request)
        page = await reader.page(parts.topics.name(Flow.BROKER_TO_SOURCE, org), after, wait)
        return JSONResponse({"notices": page.notices, "next": page.next, "more": page.more}, headers=HEADERS)

    app.add_api_route("/events", publish, methods=["POST"])
    app.add_api_route("/events/{event_id}", event, methods=["GET"])
    app.add_api_route("/notices", notices, methods=["GET"])
    # As routes of the application itself, so that whoever walks them sees each.
    app.router.routes.extend(published(parts.log, parts.ticks).routes)
    return app


async def _body(request: Request) -> bytes:
    if COMPRESSED in request.headers:
        raise Problem(WebCode.CONTENT_UNSUPPORTED, COMPRESSED)
    try:
        return await whole_body(request)
    except TimeoutError:
        raise Problem(WebCode.TOO_SLOW) from None


def _wait(request: Request) -> int:
    text = request.query_params.get(WAIT, "0")
    if _SECONDS.fullmatch(text) is None or int(text) > limits.web_wait_seconds_max:
        raise Problem(WebCode.WAIT_INVALID, WAIT)
    return int(text)


async def _became(parts: WebParts, org: OrgId, event_id: str) -> dict[str, Any]:
    """What became of the organisation's event; a foreign one is answered like one that there never was."""
    outcome = None
    if _EVENT_ID.fullmatch(event_id) is not None:
        async with asyncio.timeout(limits.web_database_seconds_max), parts.pool.acquire() as connection:
            keys_topic = parts.topics.name(Flow.KEYS_TO_BROKER, org)
            outcome = await outcome_of(connection, org, EventId(event_id), keys_topic)
    if outcome is None:
        raise Problem(WebCode.EVENT_UNKNOWN)
    return {
        "eventId": event_id,
        "status": _status(outcome),
        "acceptedAt": outcome.accepted_at.isoformat() if outcome.accepted_at is not None else None,
        "refusals": [_refusal(one) for one in outcome.refusals],
        "receipt": asdict(outcome.receipt) if outcome.receipt is not None else None,
    }


def _status(outcome: Outcome) -> str:
    if outcome.accepted_at is not None:
        return "ACCEPTED"
    return "HELD" if outcome.held else "REFUSED"


def _refusal(refusal: Refusal) -> dict[str, Any]:
    advice = ADVICE[refusal.code]
    return {
        "code": refusal.code.value,
        "field": refusal.field,
        "meaning": _(advice.meaning),
        "remedy": _(advice.remedy),
        "refusedAt": refusal.at.isoformat(),
    }
