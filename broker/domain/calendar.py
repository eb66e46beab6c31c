"""On which days an organisation works: business days are counted on its own calendar, in its own time zone (§10.3).

The holidays come in as dates, because which they are is looked up elsewhere (broker/store/calendars.py).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

DAYS_CLOSED_MAX: Final = 31
"""The longest run of closed days that is believed: a calendar that never opens would push a deadline to no end."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Closed weekdays (Monday is 0) and holidays, as dates of the organisation's own time zone."""

    zone: tzinfo = UTC
    closed: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()

    def later(self, since: datetime, business_days: int) -> datetime:
        """The same time of day so many business days after `since` (aware); in UTC.

        The time of day is that of the organisation's clocks, whatever they were put to in between. A time that a change
        of clocks leaves out is the one an hour later.
        """
        local = since.astimezone(self.zone)
        for _ in range(business_days):
            local = self._next_open(local)
        return local.astimezone(UTC)

    def _next_open(self, local: datetime) -> datetime:
        for _ in range(DAYS_CLOSED_MAX):
            local += timedelta(days=1)
            if local.weekday() not in self.closed and local.date() not in self.holidays:
                break
        return local


USUAL: Final = BusinessCalendar()
"""Of whoever has said nothing else: Monday to Friday, in UTC, no holidays."""
