"""Numbers, dates and lengths of time as people write them in the language of whoever reads (Unicode CLDR, by Babel)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from broker.look.language import spoken

_LOCALES: Final = {"en": Locale("en", "US"), "es": Locale("es", "US")}
"""Both as in the United States, where 1,234 is more than a thousand in either language."""

_UNITS: Final = (("duration-day", 86_400), ("duration-hour", 3600), ("duration-minute", 60), ("duration-second", 1))


def locale() -> Locale:
    """The locale of this task's language."""
    return _LOCALES[spoken()]


def number(count: int) -> str:
    """A count: `1,234`."""
    return format_decimal(count, locale=locale())


def share(part: int, whole: int) -> str:
    """A share in whole percent: `87%`; `whole` is not zero."""
    return format_percent(part / whole, locale=locale())


def length(span: timedelta) -> str:
    """A length of time in the largest unit that says it exactly: `15 minutes`, `3 days`."""
    seconds = int(span.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return format_unit(seconds // size, unit, locale=locale())


def day(moment: datetime) -> str:
    """A day, as it is in UTC: `March 4, 2026`."""
    return format_date(moment.date(), "long", locale=locale())


def month(moment: datetime) -> str:
    """The name of a month, by itself: `July`."""
    return str(locale().months["stand-alone"]["wide"][moment.month])


def minute(local: datetime) -> str:
    """A moment to the minute as its own clock shows it, by 24 hours as contact windows are: `30 Nov 2026, 09:00`."""
    return format_datetime(local.replace(tzinfo=None), "d MMM y, HH:mm", locale=locale())


def place(zone: ZoneInfo) -> str:
    """Whose clocks a zone means: `Los Angeles`, `UTC`."""
    return str(get_timezone_location(zone, locale=locale(), return_city=True))


def weekday(number: int) -> str:
    """The name of a day of the week, Monday 0: `Monday`."""
    return str(locale().days["format"]["wide"][number])


def listed(parts: Sequence[str]) -> str:
    """Several things in one sentence: `Monday, Wednesday, and Friday`."""
    return format_list(parts, locale=locale())
