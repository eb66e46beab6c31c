"""The story of one referral: on a page, compact or in full, and as a file with everything that the entries say.

GET  /audit/referrals/{referral}           the story; ?view=full with every fact and every verdict
POST /audit/referrals/{referral}/story     the same as JSON or CSV
"""

import json
from dataclasses import asdict
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from broker import telling
from broker.entry.forms import read_form
from broker.schemas.event import Contract
from broker.schemas.ids import ReferralId
from broker.schemas.reference import reference_of
from broker.sheets import csv_lines
from broker.store.questions import TrailLine, state_of, trail_of
from broker.trail.entries import fresh_salt
from broker.web.audit.asked import asked, download, shown
from broker.web.audit.errors import NotFound
from broker.web.audit.proof import prove, sealed
from broker.web.audit.story import acts, ladders, readings_in
from broker.web.desk.who import Examiner, Examining

router = APIRouter()

FULL: Final = "full"


class _Taken(Contract):
    kind: Literal["json", "csv"]


@router.get("/audit/referrals/{referral}")
async def story(who: Examiner, referral: str, view: Annotated[str, Query()] = "") -> Response:
    """What happened, in order; and whether it is what was sealed."""
    async with asked(who) as connection:
        lines = await trail_of(connection, referral, who.by, fresh_salt())
        if not lines:
            raise NotFound
        state, held = await state_of(connection, referral), await sealed(connection, lines)
    proof = await prove(lines, held, who.desk.log)
    full = view == FULL
    return shown(
        "audit/story.html",
        who,
        referral=referral,
        reference=reference_of(ReferralId(referral)),
        state=state,
        ladders=ladders(lines),
        acts=tuple(acts(lines, readings=full)),
        readings=readings_in(lines),
        full=full,
        proof=proof,
        telling=telling,
    )


@router.post("/audit/referrals/{referral}/story")
async def taken(who: Examiner, referral: str, request: Request) -> Response:
    """The entries as a file; what does not fit its commitment says so in it."""
    form = await read_form(request, _Taken)
    lines = await _lines(who, referral)
    if form.kind == "json":
        content = "".join(json.dumps(asdict(line), default=str) + "\n" for line in lines)
    else:
        content = "".join(f"{line}\r\n" for line in csv_lines([telling.story_row(line) for line in lines]))
    return download(content, reference_of(ReferralId(referral)), form.kind)


async def _lines(who: Examining, referral: str) -> list[TrailLine]:
    async with asked(who) as connection:
        lines = await trail_of(connection, referral, who.by, fresh_salt(), reason="FILE")
    if not lines:
        raise NotFound
    return lines
