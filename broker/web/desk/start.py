"""Where whoever has signed in arrives.

GET  /             what there is for one's role
"""

from fastapi import APIRouter
from starlette.responses import Response

from broker.entry.rendering import page
from broker.web.desk.who import Reader

router = APIRouter()


@router.get("/")
async def start(who: Reader) -> Response:
    """Links to what there is for one's role."""
    return page("start.html", who)
