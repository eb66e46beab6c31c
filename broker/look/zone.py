"""In which time zone people here are told moments, and in which they write them: the house's, as its settings say.

Times are UTC everywhere else. The zone belongs to the task that answers one request or runs one command.
"""

from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

UTC_ZONE: Final = ZoneInfo("UTC")
"""Where no house has chosen another."""

_house: ContextVar[ZoneInfo] = ContextVar("_house", default=UTC_ZONE)


class NoSuchHour(Exception):
    """An hour that is skipped when the clocks go forward."""


def see_in(zone: ZoneInfo) -> None:
    """From here on this task tells moments in this zone."""
    _house.set(zone)


def house_zone() -> ZoneInfo:
    """The zone of this task."""
    return _house.get()


def twice(local: datetime) -> bool:
    """Whether the clocks there show this time twice, because they go back in between; `local` has its zone."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def by_clocks(written: datetime, zone: ZoneInfo) -> datetime:
    """The moment, UTC, at which clocks in `zone` show what somebody wrote (a time without a zone), the first of two.

    Raises:
        NoSuchHour: they never do.
    """
    try:
        found = written.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:  # before the first year, or after the last
        raise NoSuchHour from None
    if found.astimezone(zone).replace(tzinfo=None, fold=0) != written:
        raise NoSuchHour
    return found
