"""The door as a web application: three routes, and on each a caller whose signature holds.

GET /offers/{offerId}                    the offer, where it stands, and after acceptance what was released, sealed
POST /offers/{offerId}/conflict-check    the names for the conflict check, sealed: once, then their key is gone
POST /answers                            an answer, stored once under its webhook-id whatever happens on the way
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from adapters.door.answers import AnswerSent, read_answer
from adapters.door.callers import Caller, Callers
from adapters.door.offers import conflict_check, shown
from adapters.door.problems import EXPECTED, WORDING, DoorCode, told
from adapters.errors import OfferNotFound
from adapters.inbox.answering import Answered, Answering
from adapters.provider import Provider
from adapters.standard_webhooks import ID_HEADER
from broker.look.speaking import Speaking
from broker.schemas.ids import EVENT_ID_PATTERN, OFFER_ID_PATTERN, EventId, OfferId, OrgId
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool
from broker.web.problems import HEADERS, LastResort, Problem
from broker.web.requests import COMPRESSED

_EVENT_ID: Final = re.compile(EVENT_ID_PATTERN)
_OFFER_ID: Final = re.compile(OFFER_ID_PATTERN)
_JSON: Final = "application/json"


def door_app(
    pool: Pool,
    providers: Mapping[OrgId, Provider],
    environment: MsgStatus,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The door of these organisations; `providers` may change meanwhile, `clock` gives seconds since 1970."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(LastResort, wording=WORDING)
    app.add_middleware(Speaking)
    for error in EXPECTED:
        app.add_exception_handler(error, told)
    called: Any = Depends(Callers(providers, clock).of)

    async def offer(offer_id: str, caller: Caller = called) -> JSONResponse:
        return _answer(await shown(pool, caller.provider, _offer_id(offer_id)))

    async def check(offer_id: str, caller: Caller = called) -> JSONResponse:
        return _answer(await conflict_check(pool, caller.provider, _offer_id(offer_id)))

    async def answers(request: Request, caller: Caller = called) -> JSONResponse:
        _check_plain_json(request)
        return _answer(await _take(pool, environment, caller), status=202)

    app.add_api_route("/offers/{offer_id}", offer, methods=["GET"])
    app.add_api_route("/offers/{offer_id}/conflict-check", check, methods=["POST"])
    app.add_api_route("/answers", answers, methods=["POST"])
    return app


def _offer_id(given: str) -> OfferId:
    if _OFFER_ID.fullmatch(given) is None:
        raise OfferNotFound
    return OfferId(given)


async def _take(pool: Pool, environment: MsgStatus, caller: Caller) -> dict[str, Any]:
    """Store an answer under the id of its message, which is what makes it one answer however often it is sent."""
    if _EVENT_ID.fullmatch(caller.message_id) is None:
        raise Problem(DoorCode.HEADER_INVALID, ID_HEADER)
    answering = Answering(pool, caller.provider, environment)
    stored = await _store(answering, read_answer(caller.body), EventId(caller.message_id))
    return {
        "eventId": stored.event_id,
        "standing": stored.standing.value if stored.standing is not None else None,
        "repeated": stored.repeated,
    }


async def _store(answering: Answering, sent: AnswerSent, event_id: EventId) -> Answered:
    if isinstance(sent.fact, RevocationAcknowledged):
        return await answering.acknowledge(sent.offer_id, sent.fact, event_id=event_id)
    return await answering.answer(
        sent.offer_id, sent.fact, release=sent.release, event_id=event_id, giving_back=sent.giving_back
    )


def _check_plain_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON or COMPRESSED in request.headers:
        raise Problem(DoorCode.CONTENT_UNSUPPORTED)


def _answer(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, headers=HEADERS)
