"""How an auditor's page asks: in one transaction with the entry that says so, within a bound, and for whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, StringConstraints
from starlette.responses import Response

from broker import limits
from broker.entry.rendering import page
from broker.schemas.event import Contract
from broker.schemas.ids import CONSENT_ID_PATTERN, ORG_ID_PATTERN, REFERRAL_ID_PATTERN
from broker.sql.bulk import Connection
from broker.store.asking import Asking
from broker.web.audit.errors import TooMuchAsked
from broker.web.desk.who import Examining

TEMPLATES: Final = Path(__file__).parent / "templates"


def _day(told: object) -> object:
    """A day as browsers send it, which the page labels as UTC."""
    return datetime.strptime(told, "%Y-%m-%d").replace(tzinfo=UTC) if isinstance(told, str) else told


Day = Annotated[datetime, BeforeValidator(_day)]
Org = Annotated[str, StringConstraints(pattern=ORG_ID_PATTERN)]
Referral = Annotated[str, StringConstraints(pattern=REFERRAL_ID_PATTERN)]
About = Annotated[str, StringConstraints(pattern=f"{REFERRAL_ID_PATTERN}|{CONSENT_ID_PATTERN}")]


class OfTime(Contract):
    """A form that asks of a span of time: from the beginning of a day to the end of another, UTC."""

    since: Day | None = None
    through: Day | None = None

    def asking(self, who: Examining) -> Asking:
        """Who asks of which time."""
        until = None if self.through is None else self.through + timedelta(days=1)
        return Asking(who.by, self.since, until)


@asynccontextmanager
async def asked(who: Examining) -> AsyncIterator[Connection]:
    """One transaction: what is read and the entry that says so stand together, or neither does.

    Raises:
        TooMuchAsked: it takes longer than a page may.
    """
    try:
        async with (
            asyncio.timeout(limits.audit_seconds_max),
            who.desk.pool.acquire() as connection,
            connection.transaction(),
        ):
            yield connection
    except TimeoutError:
        raise TooMuchAsked from None


def shown(template: str, who: Examining, **content: Any) -> Response:
    """A page for an auditor: who reads it and when stand on it, and on the paper that it is printed on."""
    return page(template, who, HTTPStatus.OK, by=who.by, now=who.front.clock(), **content)


def default_days(now: datetime) -> dict[str, str]:
    """The span that a form begins with."""
    return {"since": f"{now - timedelta(days=limits.audit_days):%Y-%m-%d}", "through": f"{now:%Y-%m-%d}"}


def download(content: str, name: str, kind: str) -> Response:
    """A file. Its name carries a reference only."""
    media = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[kind]
    return Response(content, media_type=media, headers={"content-disposition": f'attachment; filename="{name}.{kind}"'})
