"""What a page that is open asks by itself.

GET  /counts           a stream of numbers: how many things wait that the page does not show
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from broker.entry.front import Listener, Listening

router = APIRouter()

_SECONDS_MAX: Final = 32_503_680_000_000
"""The year 3000, in milliseconds."""


@router.get("/counts")
async def counts(who: Listener, since: Annotated[int, Query(ge=0, le=_SECONDS_MAX)]) -> Response:
    """`since` is when the page was shown, in milliseconds since 1970: digits in the address, digits in the answer."""
    shown_at = datetime.fromtimestamp(since / 1000, UTC)
    # Proxies that gather what they pass on would hold a number back until there are many.
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(_events(who, shown_at), media_type="text/event-stream", headers=headers)


async def _events(who: Listening, shown_at: datetime) -> AsyncIterator[str]:
    async for number in who.front.counts.since(who.session.org, shown_at):
        yield f"data:{number}\n\n"
