"""Where an auditor begins: what can be asked, and finding a referral by reference, organisation, rule and time.

GET  /audit             the questions
POST /audit/found       the referrals that a search finds; nobody is found by person
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker import telling
from broker.entry.forms import FormInvalid, read_form
from broker.entry.rendering import page
from broker.schemas.reference import beginning_of
from broker.store.asking import Answer
from broker.store.finding import KNOWN_RULES, FoundReferral, find, find_by_reference
from broker.web.audit.asked import OfTime, Org, asked, default_days, shown
from broker.web.audit.reports import REPORTS
from broker.web.audit.sheet import sheet_of
from broker.web.desk.who import Examiner, Examining

router = APIRouter()


class _Search(OfTime):
    reference: str | None = None
    org: Org | None = None
    rule: str | None = None


@router.get("/audit")
async def questions(who: Examiner) -> Response:
    """What can be asked, and by what."""
    return shown("audit/find.html", who, **await _form(who))


@router.post("/audit/found")
async def found(who: Examiner, request: Request) -> Response:
    """The referrals; what was typed is in no address, and comes back on no page."""
    try:
        form = await read_form(request, _Search)
        if form.rule is not None and form.rule not in KNOWN_RULES:
            raise FormInvalid
        beginning = None if form.reference is None else beginning_of(form.reference)
        if form.reference is not None and beginning is None:
            raise FormInvalid
    except FormInvalid:
        return await _not_so(who)
    answer = await _answer(who, form, beginning)
    return shown("audit/found.html", who, sheet=sheet_of(answer.rows), form=form)


async def _answer(who: Examining, form: _Search, beginning: str | None) -> Answer[FoundReferral]:
    async with asked(who) as connection:
        if beginning is not None:
            return await find_by_reference(connection, form.asking(who), beginning)
        return await find(connection, form.asking(who), org=form.org, rule=form.rule)


async def _not_so(who: Examining) -> Response:
    content = {**await _form(who), "not_asked": True}
    return page("audit/find.html", who, HTTPStatus.BAD_REQUEST, by=who.by, now=who.front.clock(), **content)


async def _form(who: Examining) -> Mapping[str, Any]:
    organisations = await who.desk.pool.fetch("SELECT org_id, name FROM organisation ORDER BY org_id")
    return {
        "organisations": [(row["org_id"], row["name"]) for row in organisations],
        "rules": [(rule, telling.demands(rule)) for rule in KNOWN_RULES],
        "reports": REPORTS,
        "days": default_days(who.front.clock()),
        "not_asked": False,
    }
