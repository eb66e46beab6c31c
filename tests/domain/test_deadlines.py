"""Deadlines are those of domain.md §10.3, in UTC, and business days skip weekends; urgency only ever rises."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.deadlines import Wait, after, deadline, raised
from broker.domain.pack import Span
from broker.domain.policy import read_pack
from broker.policies import shipped_text
from broker.schemas.vocabulary import Acknowledgment as Rung
from broker.schemas.vocabulary import Priority
from tests.domain.cast import pack

TRANSFER: tuple[Wait, ...] = ("handoff_begun", "handoff_ended")
FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)

A1, A2, A3, A4, A6 = (
    Rung.A1_DELIVERED,
    Rung.A2_RECEIPTED,
    Rung.A3_DECIDED,
    Rung.A4_CONTACT,
    Rung.A6_OUTCOME,
)
S, M, H, D = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@pytest.mark.parametrize(
    ("rung", "p0", "p1", "p2", "p3"),
    [
        (A1, 30 * S, 60 * S, 5 * M, 15 * M),
        (A2, 5 * M, 15 * M, 2 * H, 3 * D),
        (A3, 15 * M, 60 * M, 8 * H, 4 * D),
        (A4, 15 * M, 2 * H, 3 * D, 4 * D),
        (A6, 24 * H, 72 * H, 14 * D, 30 * D),
        ("referral_expiry", 4 * H, 4 * H, 48 * H, 10 * D),
        ("hold", 15 * M, 60 * M, 8 * H, 4 * D),
        ("awaiting_keys", 5 * M, 15 * M, 2 * H, 3 * D),
        ("handoff_begun", 5 * M, 15 * M, 2 * H, 3 * D),
        ("handoff_ended", 15 * M, 2 * H, 3 * D, 4 * D),
    ],
)
def test_each_deadline_is_the_tables_counted_from_a_friday(
    rung: Rung, p0: timedelta, p1: timedelta, p2: timedelta, p3: timedelta
) -> None:
    """domain.md §10.3: on a Friday one business day is three days, two are four."""
    assert [deadline(pack(), rung, priority, FRIDAY) - FRIDAY for priority in Priority] == [p0, p1, p2, p3]


def test_a_pack_may_give_a_live_transfer_times_of_its_own() -> None:
    """Beside those of a receipt and of contact, which are what it means where it says nothing."""
    own = b'[timers.P0]\nhandoffBegun = "2m"\nhandoffEnded = "40m"'
    said = read_pack(shipped_text().replace(b"[timers.P0]", own))
    found = {name: deadline(said, name, Priority.P0, FRIDAY) - FRIDAY for name in TRANSFER}
    assert found == {"handoff_begun": 2 * M, "handoff_ended": 40 * M}
    assert [deadline(said, rung, Priority.P0, FRIDAY) - FRIDAY for rung in (A2, A4)] == [5 * M, 15 * M]


@pytest.mark.parametrize(
    ("day", "days", "lands"),
    [(2, 1, 3), (5, 1, 6), (6, 1, 9), (6, 2, 10), (7, 1, 9), (8, 1, 9), (8, 2, 10), (6, 6, 16)],
)
def test_business_days_skip_saturday_and_sunday(day: int, days: int, lands: int) -> None:
    """March 2026: the 6th is a Friday, the 7th and 8th a weekend."""
    start = datetime(2026, 3, day, 9, tzinfo=UTC)
    assert after(start, Span(business_days=days)) == datetime(2026, 3, lands, 9, tzinfo=UTC)


def test_deadlines_are_utc_whatever_zone_the_start_was_given_in() -> None:
    """One clock for all."""
    elsewhere = FRIDAY.astimezone(timezone(timedelta(hours=-6)))
    assert deadline(pack(), A3, Priority.P0, elsewhere) == FRIDAY + 15 * M
    assert deadline(pack(), A3, Priority.P0, elsewhere).tzinfo is UTC


@pytest.mark.parametrize("rung", [Rung.A0_ACCEPTED, Rung.A5_SERVICE])
def test_a_rung_without_a_deadline_is_not_given_one(rung: Rung) -> None:
    """Asking for it is a defect, not a default."""
    with pytest.raises(ValueError, match="no deadline"):
        deadline(pack(), rung, Priority.P0, FRIDAY)


def test_a_start_without_a_zone_is_no_start() -> None:
    """Naive times are refused."""
    with pytest.raises(ValueError, match="zone"):
        deadline(pack(), A3, Priority.P0, FRIDAY.replace(tzinfo=None))


@given(st.sampled_from(Priority), st.sampled_from(Priority), st.datetimes(timezones=st.just(UTC)))
def test_more_urgent_is_never_later_and_raising_never_lowers(one: Priority, other: Priority, at: datetime) -> None:
    """The more urgent of two is the one that stands, and its deadlines come first."""
    at = min(at, datetime(9000, 1, 1, tzinfo=UTC))
    assert raised(one, other) is raised(other, one)
    assert raised(one, other) in (one, other)
    for rung in (A1, A2, A3, A4, A6):
        assert deadline(pack(), rung, raised(one, other), at) <= deadline(pack(), rung, one, at)
