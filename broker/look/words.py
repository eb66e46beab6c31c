"""Codes, moments and lengths of time as people say them, in the language of whoever reads."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from broker.look.language import _

_ONE_SIGN: Final = re.compile(r"\S*[-_:@./]\S*")


def as_written(text: str) -> bool:
    """Whether something is an id, an address or a code, and no words: it is shown to the letter."""
    return _ONE_SIGN.fullmatch(text) is not None


def plain(code: StrEnum | str) -> str:
    """A code as words: `EMERGENCY_SHELTER` becomes "emergency shelter"."""
    return _(str(code).replace("_", " ").lower())


def moment(when: datetime) -> str:
    """A moment to the minute, with its zone: UTC."""
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
