"""An organisation's calendar from what its profile says: the holidays of its region as dates, its zone, its weekdays.

Dates are looked up here, at the edge, when the directory is read; the rules get them as data.
"""

from datetime import UTC, date
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from broker.domain.calendar import USUAL, BusinessCalendar
from broker.errors import CalendarUnknown
from broker.limits import calendar_years_ahead
from broker.schemas.profile import Profile, Weekday

_NUMBER: Final = {day: number for number, day in enumerate(Weekday)}


def calendar_of(profile: Profile, year: int) -> BusinessCalendar | None:
    """The calendar for deadlines that begin in `year`; None where the profile says nothing of it.

    Raises:
        CalendarUnknown: no such time zone, or no such region.
    """
    if profile.holidays is None and profile.time_zone is None and not profile.closed_on:
        return None
    closed = frozenset(_NUMBER[day] for day in profile.closed_on)
    return BusinessCalendar(
        zone=UTC if profile.time_zone is None else _zone(profile.time_zone),
        closed=closed or USUAL.closed,
        holidays=frozenset() if profile.holidays is None else _holidays(profile.holidays, year),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalendarUnknown("There is no such time zone.") from None


@lru_cache(maxsize=256)
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _, subdivision = region.partition("-")
    years = range(year, year + 1 + calendar_years_ahead)
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=years))
    except NotImplementedError:
        raise CalendarUnknown("No holidays are known for this region.") from None
