"""When contact is safe: days of the week and hours of the day, by the clock where the survivor is (FG03)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, StringConstraints

from broker.schemas.event import Contract
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import broken

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY: Final = f"({'|'.join(_DAYS)})"
_WEEK: Final = timedelta(days=7)

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _is_a_zone(name: str) -> str:
    if _zone(name) is None:
        raise broken(RefusalCode.PROPERTY_INVALID)
    return name


class ContactWindow(Contract):
    """When contact is safe, from `startsAt` inclusive until `endsAt` exclusive, on the days of an RFC 5545 recurrence.

    The recurrence is daily or weekly by day: anything else would need a first date to count from. Times are those of
    the wall clock in `timezone` (IANA), summer time included. A window whose end is not after its start runs into the
    next day; with both the same it is open for 24 hours.
    """

    rrule: Annotated[str, StringConstraints(pattern=rf"^FREQ=(DAILY|WEEKLY;BYDAY={_DAY}(,{_DAY}){{0,6}})$")]
    starts_at: LocalTime
    ends_at: LocalTime
    timezone: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=40),
        AfterValidator(_is_a_zone),
    ]

    def holds(self, now: datetime) -> bool:
        """Whether the window is open at `now` (UTC)."""
        local = now.astimezone(ZoneInfo(self.timezone))
        clock, today = f"{local:%H:%M}", local.date()
        if self.starts_at < self.ends_at:
            return self._on(today) and self.starts_at <= clock < self.ends_at
        begun_today = self._on(today) and clock >= self.starts_at
        return begun_today or (self._on(today - timedelta(days=1)) and clock < self.ends_at)

    def next_start(self, now: datetime) -> datetime:
        """When it opens next after `now`, both UTC."""
        zone = ZoneInfo(self.timezone)
        hour, minute = map(int, self.starts_at.split(":"))
        today = now.astimezone(zone).date()
        for later in range(_WEEK.days + 1):
            day = today + timedelta(days=later)
            start = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
            if self._on(day) and start > now:
                return start
        raise AssertionError("a window opens at least once a week")

    def _on(self, day: date) -> bool:
        _, _, named = self.rrule.partition("BYDAY=")
        return not named or _DAYS[day.weekday()] in named.split(",")
