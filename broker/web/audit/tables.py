"""Answers that are tables: on a page, and as CSV and JSON to take away.

GET  /audit/reports/{name}                     what the question is, and what it asks by
POST /audit/reports/{name}                     its answer, on a page or as a file
GET  /audit/referrals/{referral}/{name}        the ledger, or the deliveries, of one referral
"""

import re
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.entry.forms import FormInvalid, read_form
from broker.schemas.ids import REFERRAL_ID_PATTERN, ReferralId
from broker.schemas.reference import reference_of
from broker.sheets import csv_lines, json_lines
from broker.store.asking import Answer, Asking
from broker.web.audit.asked import About, OfTime, Org, Referral, asked, default_days, download, shown
from broker.web.audit.errors import NotFound
from broker.web.audit.reports import REPORTS, By, Report
from broker.web.audit.sheet import sheet_of
from broker.web.desk.who import Examiner, Examining

router = APIRouter()

OF_ONE_REFERRAL = frozenset({"disclosures", "deliveries"})


class _Question(OfTime):
    referral: Referral | None = None
    about: About | None = None
    org: Org | None = None
    kind: Literal["page", "json", "csv"] = "page"

    def by(self, report: Report) -> str | None:
        """What the report is asked by."""
        return None if report.by is None else getattr(self, report.by.value)


def _report(name: str) -> Report:
    if name not in REPORTS:
        raise NotFound
    return REPORTS[name]


@router.get("/audit/reports/{name}")
async def question(who: Examiner, name: str) -> Response:
    """The form; nothing is read before it is sent."""
    report, days = _report(name), default_days(who.front.clock())
    organisations = []
    if report.by is By.ORG:
        organisations = await who.desk.pool.fetch("SELECT org_id, name FROM organisation ORDER BY org_id")
    listed = [(row["org_id"], row["name"]) for row in organisations]
    return shown("audit/question.html", who, name=name, report=report, days=days, organisations=listed)


@router.post("/audit/reports/{name}")
async def answered(who: Examiner, name: str, request: Request) -> Response:
    """The answer; on a page as many rows as anybody reads, in a file all of them."""
    report, form = _report(name), await read_form(request, _Question)
    about = form.by(report)
    if report.must and about is None:
        raise FormInvalid
    answer = await _answer(who, report, form.asking(who), about)
    if form.kind != "page":
        return _file(answer, about, form.kind)
    return _shown(who, name, answer, about, form)


@router.get("/audit/referrals/{referral}/{name}")
async def of_referral(who: Examiner, referral: str, name: str) -> Response:
    """The ledger or the deliveries of a referral."""
    known = name in OF_ONE_REFERRAL and re.fullmatch(REFERRAL_ID_PATTERN, referral) is not None
    if not known or not await _happened(who, referral):
        raise NotFound
    form = _Question(about=referral, referral=referral)
    return _shown(who, name, await _answer(who, REPORTS[name], form.asking(who), referral), referral, form)


async def _happened(who: Examining, referral: str) -> bool:
    found = "SELECT EXISTS (SELECT 1 FROM trail_entry WHERE referral_id = $1)"
    return bool(await who.desk.pool.fetchval(found, referral))


async def _answer(who: Examining, report: Report, asking: Asking, about: str | None) -> Answer[object]:
    async with asked(who) as connection:
        return await report.ask(connection, asking, about)


def _file(answer: Answer[object], about: str | None, kind: str) -> Response:
    if kind == "json":
        content = "".join(f"{line}\n" for line in json_lines(answer.rows))
    else:
        content = "".join(f"{line}\r\n" for line in csv_lines(answer.rows))
    return download(content, _reference(about) or "report", kind)


def _shown(who: Examining, name: str, answer: Answer[object], about: str | None, form: _Question) -> Response:
    return shown(
        "audit/answer.html",
        who,
        name=name,
        report=REPORTS[name],
        about=about,
        reference=_reference(about),
        sheet=sheet_of(answer.rows, about=about),
        altered=answer.altered,
        form=form,
    )


def _reference(about: str | None) -> str | None:
    referral = about is not None and about.startswith("ref-")
    return reference_of(ReferralId(about or "")) if referral else None
