"""Numbers, dates and lengths of time as people write them in the language of whoever reads (Unicode CLDR, by Babel)."""

from datetime import datetime, timedelta
from typing import Final

from babel import Locale
from babel.dates import format_date
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
