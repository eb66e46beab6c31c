"""Codes, moments and lengths of time as people say them, in the language of whoever reads."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from broker.look.language import _
from broker.look.zone import house_zone, twice

_ONE_SIGN: Final = re.compile(r"\S*[-_:@./]\S*")


def as_written(text: str) -> bool:
    """Whether something is an id, an address or a code, and no words: it is shown to the letter."""
    return _ONE_SIGN.fullmatch(text) is not None


def plain(code: StrEnum | str) -> str:
    """A code as words: `EMERGENCY_SHELTER` becomes "emergency shelter"; what has no letters stands as it is."""
    text = str(code).replace("_", " ").lower()
    return _(text) if any(map(str.isalpha, text)) else text


def moment(when: datetime, zone: ZoneInfo | None = None) -> str:
    """A moment to the minute, and in which zone: the house's, or another. "30 Nov 2026, 09:00 (Los Angeles)".

    Where the clocks there show that time twice, how far they are from UTC stands beside it.
    """
    from broker.look import locales  # tables of all languages, for whoever shows a moment

    local = when.astimezone(zone or house_zone())
    where = locales.place(zone or house_zone())
    if twice(local):
        where += f", UTC{local.isoformat()[-6:]}"
    return f"{locales.minute(local)} ({where})"


def utc(when: datetime) -> str:
    """A moment to the minute in UTC, as what is kept for good says it: "2026-11-30 17:00 UTC"."""
    return when.strftime("%Y-%m-%d %H:%M UTC")


def span(length: timedelta) -> str:
    """A length of time in its largest unit: "45 s", "12 min", "3 h 20 min", "2 days"."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return _("%(days)s days") % {"days": minutes // (24 * 60)}
