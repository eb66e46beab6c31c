"""Where whoever has signed in arrives.

GET  /             what needs somebody now, in numbers; for other roles, what there is for them
"""

from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from broker.entry.rendering import page
from broker.look import locales
from broker.look.language import _, counted
from broker.store.needed import Needed, needed
from broker.web.desk import words
from broker.web.desk.roles import DeskRole
from broker.web.desk.shown import since
from broker.web.desk.who import Reader

router = APIRouter()


class Tile(NamedTuple):
    """One list in numbers: how much is on it, what of that presses, how old the oldest is."""

    path: str
    name: str
    number: str
    presses: tuple[str, ...]
    oldest: str | None


@router.get("/")
async def overview(who: Reader) -> Response:
    """Numbers alone: no referral is named, and nothing is read that would be an entry."""
    if not DeskRole(who.session.role).works:
        return page("start.html", who)
    async with who.desk.pool.acquire() as connection:
        found = await needed(connection, who.desk.broker_org)
    return page("overview.html", who, tiles=_tiles(found), calm=found.calm, now=found.at, since=since(found.at))


def _tiles(found: Needed) -> tuple[Tile, ...]:
    work = (
        _pressing("%(number)s is too old", "%(number)s are too old", found.aged),
        _pressing("%(number)s is nobody's yet", "%(number)s are nobody's yet", found.untouched),
    )
    late = (_pressing("%(number)s lies here for too long", "%(number)s lie here for too long", found.quarantine_late),)
    listed = (
        ("/worklist", _("Work list"), found.work, work, found.oldest_work),
        ("/quarantine", _("Not taken in"), found.quarantine, late, found.oldest_quarantine),
        ("/overdue", _("Overdue confirmations"), found.overdue, (), found.oldest_overdue),
        ("/unreached", _("Providers that were not reached"), found.unreached, (), found.latest_unreached),
    )
    return tuple(
        Tile(
            path,
            name,
            locales.number(number),
            tuple(one for one in presses if one),
            words.ago(oldest, found.at) if oldest is not None else None,
        )
        for path, name, number, presses, oldest in listed
    )


def _pressing(one: str, many: str, number: int) -> str:
    return counted(one, many, number) if number else ""
