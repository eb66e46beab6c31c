"""Business days are those of whoever owes the step: its weekdays, its holidays, its clocks, leap days included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.calendar import USUAL, BusinessCalendar
from broker.domain.deadlines import after, deadline
from broker.domain.pack import Span
from broker.errors import CalendarUnknown
from broker.schemas.profile import Profile, Weekday
from broker.schemas.vocabulary import Acknowledgment, Priority
from broker.store.calendars import calendar_of
from tests.domain.cast import pack

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
CALIFORNIA = Profile(holidays="US-CA", time_zone="America/Los_Angeles")


def california(year: int = 2026) -> BusinessCalendar:
    """The calendar of a provider in California."""
    found = calendar_of(CALIFORNIA, year)
    assert found is not None
    return found


def test_a_holiday_of_its_region_is_skipped() -> None:
    """Thanksgiving 2026 is Thursday, 26 November, and California keeps the Friday after it: Wednesday plus one is
    Monday, where the usual calendar says Thursday."""
    wednesday = datetime(2026, 11, 25, 10, tzinfo=LOS_ANGELES)
    assert after(wednesday, Span(business_days=1), california()) == datetime(2026, 11, 30, 10, tzinfo=LOS_ANGELES)
    assert after(wednesday, Span(business_days=1), USUAL) == wednesday + timedelta(days=1)


def test_the_deadline_of_a_routine_offer_is_on_the_providers_calendar() -> None:
    """P3: two business days to decide, from the Thursday before Independence Day, which is kept on Friday, 3 July."""
    thursday = datetime(2026, 7, 2, 12, tzinfo=LOS_ANGELES)
    found = deadline(pack(), Acknowledgment.A3_DECIDED, Priority.P3, thursday, california())
    assert found == datetime(2026, 7, 7, 12, tzinfo=LOS_ANGELES)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("since", "lands"),
    [
        (datetime(2026, 3, 6, 9, tzinfo=LOS_ANGELES), datetime(2026, 3, 9, 9, tzinfo=LOS_ANGELES)),
        (datetime(2026, 10, 30, 9, tzinfo=LOS_ANGELES), datetime(2026, 11, 2, 9, tzinfo=LOS_ANGELES)),
    ],
)
def test_the_time_of_day_stays_when_clocks_change(since: datetime, lands: datetime) -> None:
    """Over the spring and the autumn weekend, Friday nine o'clock plus one is Monday nine o'clock there."""
    found = after(since.astimezone(UTC), Span(business_days=1), BusinessCalendar(zone=LOS_ANGELES))
    assert found == lands.astimezone(UTC)
    assert found - since.astimezone(UTC) != timedelta(days=3)


def test_a_time_that_the_change_leaves_out_is_an_hour_later() -> None:
    """Half past two on the night of the change in spring does not exist: it is half past three."""
    everyday = BusinessCalendar(zone=LOS_ANGELES, closed=frozenset())
    found = everyday.later(datetime(2026, 3, 7, 2, 30, tzinfo=LOS_ANGELES), 1)
    assert found.astimezone(LOS_ANGELES).replace(tzinfo=None) == datetime(2026, 3, 8, 3, 30)  # noqa: DTZ001


def test_a_leap_day_is_a_day() -> None:
    """29 February 2028 is a Tuesday."""
    monday = datetime(2028, 2, 28, 9, tzinfo=UTC)
    assert after(monday, Span(business_days=1)) == datetime(2028, 2, 29, 9, tzinfo=UTC)
    assert after(monday, Span(business_days=2)) == datetime(2028, 3, 1, 9, tzinfo=UTC)


def test_weekdays_on_which_it_is_closed_are_its_own() -> None:
    """A clinic that is open on Saturday and closed on Wednesday."""
    calendar = calendar_of(Profile(closed_on=(Weekday.WED, Weekday.SUN)), 2026)
    assert calendar is not None
    assert after(datetime(2026, 3, 6, 9, tzinfo=UTC), Span(business_days=1), calendar).day == 7
    assert after(datetime(2026, 3, 3, 9, tzinfo=UTC), Span(business_days=1), calendar).day == 5


def test_holidays_are_known_beyond_the_end_of_the_year() -> None:
    """A routine offer on 31 December 2026, a Thursday: New Year's Day is a holiday of the next year."""
    silvester = datetime(2026, 12, 31, 9, tzinfo=LOS_ANGELES)
    assert after(silvester, Span(business_days=1), california()) == datetime(2027, 1, 4, 9, tzinfo=LOS_ANGELES)


def test_who_says_nothing_has_the_usual_calendar() -> None:
    """No row, no dates: Monday to Friday in UTC."""
    assert calendar_of(Profile(), 2026) is None


@pytest.mark.parametrize(
    "profile", [Profile(holidays="ZZ"), Profile(holidays="US-ZZ"), Profile(time_zone="Mars/Phobos")]
)
def test_a_region_or_zone_that_there_is_not_is_refused(profile: Profile) -> None:
    """With what to write instead, and without repeating what was written."""
    with pytest.raises(CalendarUnknown) as refused:
        calendar_of(profile, 2026)
    assert "US-CA" in refused.value.remedy
    assert "ZZ" not in str(refused.value)
    assert "Mars" not in str(refused.value)


def test_a_calendar_that_never_opens_does_not_hang() -> None:
    """Every day a holiday: the deadline comes after a month instead of never."""
    days = frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    found = after(datetime(2026, 1, 1, tzinfo=UTC), Span(business_days=1), BusinessCalendar(holidays=days))
    assert found == datetime(2026, 2, 1, tzinfo=UTC)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 5),
)
def test_more_days_are_later_and_every_deadline_falls_on_an_open_day(since: datetime, days: int) -> None:
    """On California's calendar, whatever the moment."""
    calendar = california(2025)
    found = after(since, Span(business_days=days), calendar).astimezone(LOS_ANGELES)
    assert found.weekday() < 5
    assert found.date() not in calendar.holidays
    assert after(since, Span(business_days=days - 1), calendar) <= found
