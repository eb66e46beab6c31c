"""What the public page says: the rules in force, how soon help is promised, whether that held, whom to complain to."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker import limits
from broker.called import KINDS, URGENCIES
from broker.domain.pack import PolicyPack
from broker.domain.quarters import Quarter
from broker.domain.small_cells import SMALL_MAX, Published
from broker.look import locales
from broker.look.language import _
from broker.look.pictures import Bar, bars
from broker.policies import read
from broker.sql.bulk import Pool
from broker.store.policies import text_in_force
from broker.store.public_counts import IN_TIME, LATER, NEVER, TOO_LATE, WITHIN_MINUTES
from broker.store.public_reports import Report, reports
from broker.web.pages import in_force

SHARE_MIN: Final = 50
"""Of fewer than so many no share is told: it would say little, and change much with one person."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """Who operates the network, and how people reach them; None where the operator has not said."""

    operator: str
    complaints: str | None
    withdrawal: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of the database, once for many readers."""

    pack: PolicyPack | None
    text: str
    reports: tuple[Report, ...]


@dataclass(slots=True)
class PublicDesk:
    """Reads what the public page is made of; `clock` gives the time in UTC, `ticks` seconds that only grow."""

    pool: Pool
    contacts: Contacts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ticks: Callable[[], float] = time.monotonic
    _known: Known | None = None
    _read_at: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def known(self) -> Known:
        """What is known now; at most a minute old."""
        async with self._turn:
            if self._known is None or self.ticks() - self._read_at > limits.public_kept_seconds:
                self._known = await self._read()
                self._read_at = self.ticks()
            return self._known

    async def _read(self) -> Known:
        async with asyncio.timeout(limits.web_database_seconds_max), self.pool.acquire() as connection:
            text = await text_in_force(connection)
            found = await reports(connection, self.clock())
        return Known(None if text is None else read(text.encode()), text or "", tuple(found))


async def public_content(desk: PublicDesk) -> Mapping[str, Any]:
    """What the page's template is given, in the language that this task speaks."""
    known = await desk.known()
    content: dict[str, Any] = {"contacts": desk.contacts, "pack": known.pack, "small": SMALL_MAX + 1}
    if known.pack is not None:
        content |= {
            "ways": tuple(in_force.ways(known.pack)),
            "sentences": tuple(in_force.sentences(known.pack)),
            "promises": in_force.promises(known.pack),
            "urgencies": in_force.urgencies(),
            "rungs": in_force.rungs(known.pack),
            "first_days": in_force.first_days(known.pack),
        }
    return content | {"figures": _figures(known.reports)}


def _figures(told: tuple[Report, ...]) -> Mapping[str, Any] | None:
    if not told:
        return None
    latest = told[0]
    return {
        "total_told": latest.kinds.total is not None,
        "quarter": quarter_words(latest.quarter),
        "kinds": _bars(latest.kinds, _in_words(KINDS)),
        "urgencies": _bars(latest.urgencies, _in_words(URGENCIES)),
        "times": _bars(latest.times, _waits()),
        "in_time": _in_time(latest.deadlines),
        "total": _told(latest.kinds.total),
        "quarters": bars((quarter_words(one.quarter), one.kinds.total, _told(one.kinds.total)) for one in told),
    }


def quarter_words(quarter: Quarter) -> str:
    """`July to September 2026`."""
    return _("%(first)s to %(last)s %(year)s") % {
        "first": locales.month(quarter.begins),
        "last": locales.month(quarter.begins.replace(month=quarter.number * 3)),
        "year": quarter.year,
    }


def _in_words(words: Mapping[Any, str]) -> Mapping[str, str]:
    return {str(name): _(said) for name, said in words.items()}


def _waits() -> Mapping[str, str]:
    lengths = {str(most): locales.length(timedelta(minutes=most)) for most in WITHIN_MINUTES}
    told = {name: _("Up to %(length)s") % {"length": length} for name, length in lengths.items()}
    return told | {LATER: _("Later"), NEVER: _("No answer")}


def _bars(told: Published, words: Mapping[str, str]) -> tuple[Bar, ...]:
    return bars((words[name], count, _told(count)) for name, count in told.cells.items())


def _told(count: int | None) -> str:
    return _("Not told") if count is None else locales.number(count)


def _in_time(told: Published) -> str | None:
    """How many answers came in time, as a share; None where that is not told."""
    kept, total = told.cells[IN_TIME], told.total
    if kept is None or told.cells[TOO_LATE] is None or total is None or total < SHARE_MIN:
        return None
    return locales.share(kept, total)
