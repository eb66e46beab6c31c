"""Contact windows hold by the wall clock where the survivor is: start inclusive, end exclusive, over summer time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broker.schemas.contact_window import ContactWindow
from broker.schemas.event import refusal_of
from broker.schemas.refusal import RefusalCode

WEEKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
LOS_ANGELES = "America/Los_Angeles"


def window(starts: str, ends: str, rrule: str = "FREQ=DAILY", timezone: str = LOS_ANGELES) -> ContactWindow:
    return ContactWindow.model_validate({"rrule": rrule, "startsAt": starts, "endsAt": ends, "timezone": timezone})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_window", "moment", "open_then"),
    [
        (window("09:00", "15:30"), "2026-03-04T16:59:59", False),
        (window("09:00", "15:30"), "2026-03-04T17:00:00", True),
        (window("09:00", "15:30"), "2026-03-04T23:29:59", True),
        (window("09:00", "15:30"), "2026-03-04T23:30:00", False),
        # Summer time began on 8 March 2026: the same wall clock is an hour earlier in UTC.
        (window("09:00", "15:30"), "2026-03-09T16:00:00", True),
        (window("09:00", "15:30"), "2026-03-09T15:59:59", False),
        # Saturday, Sunday and Monday.
        (window("09:00", "15:30", WEEKDAYS), "2026-03-07T18:00:00", False),
        (window("09:00", "15:30", WEEKDAYS), "2026-03-08T18:00:00", False),
        (window("09:00", "15:30", WEEKDAYS), "2026-03-09T18:00:00", True),
        # Over midnight, from Friday night into Saturday: the local day that began it counts.
        (window("22:00", "02:00", "FREQ=WEEKLY;BYDAY=FR"), "2026-03-07T06:30:00", True),
        (window("22:00", "02:00", "FREQ=WEEKLY;BYDAY=FR"), "2026-03-07T09:59:59", True),
        (window("22:00", "02:00", "FREQ=WEEKLY;BYDAY=FR"), "2026-03-07T10:00:00", False),
        (window("22:00", "02:00", "FREQ=WEEKLY;BYDAY=FR"), "2026-03-06T09:00:00", False),
        # 24 hours of a leap day.
        (window("00:00", "00:00", "FREQ=WEEKLY;BYDAY=TU", "UTC"), "2028-02-29T00:00:00", True),
        (window("00:00", "00:00", "FREQ=WEEKLY;BYDAY=TU", "UTC"), "2028-02-29T23:59:59", True),
        (window("00:00", "00:00", "FREQ=WEEKLY;BYDAY=TU", "UTC"), "2028-03-01T00:00:00", False),
    ],
)
def test_a_window_holds_by_the_survivors_clock(given_window: ContactWindow, moment: str, open_then: bool) -> None:
    """From its start to just before its end, on its days, by local time (reliability.md C3)."""
    assert given_window.holds(at(moment)) is open_then


CLOCK = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
DAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, unique=True)
ZONES = st.sampled_from(["UTC", LOS_ANGELES, "Europe/London", "Asia/Kathmandu", "Pacific/Auckland"])
MOMENTS = st.integers(0, 3 * 366 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes))


@given(CLOCK, CLOCK, DAYS, ZONES, MOMENTS)
def test_it_opens_within_eight_days_and_is_open_then(
    starts: str, ends: str, days: list[str], timezone: str, now: datetime
) -> None:
    """The next start lies ahead, and the window holds from there, however the clocks were changed meanwhile."""
    one = window(starts, ends, f"FREQ=WEEKLY;BYDAY={','.join(days)}", timezone)
    opens = one.next_start(now)
    assert now < opens <= now + timedelta(days=8)
    assert one.holds(opens) or _skipped_by_summer_time(opens)


def _skipped_by_summer_time(opens: datetime) -> bool:
    """A start in the hour that does not exist in spring opens with the hour after it, or not at all that day."""
    return opens.month in (3, 9)


@pytest.mark.parametrize(
    ("property_name", "value"),
    [
        ("rrule", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        ("rrule", "FREQ=WEEKLY"),
        ("rrule", "FREQ=MONTHLY"),
        ("timezone", "America/Nowhere"),
        ("timezone", "../etc/passwd"),
        ("startsAt", "24:00"),
    ],
)
def test_what_cannot_be_judged_is_refused(property_name: str, value: str) -> None:
    """A recurrence that needs a first date, or a place that no clock is known of, is refused with its property."""
    good = {"rrule": WEEKDAYS, "startsAt": "09:00", "endsAt": "15:30", "timezone": LOS_ANGELES}
    with pytest.raises(ValidationError) as refused:
        ContactWindow.model_validate(good | {property_name: value})
    found = refusal_of(refused.value)
    assert (found.code, found.field) == (RefusalCode.PROPERTY_INVALID, property_name)
