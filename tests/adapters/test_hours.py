"""Hours are told in words and by named clocks; what somebody writes by a clock is one moment, or is refused."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from pydantic_core import to_json

from adapters.inbox.contact import contact_lines
from adapters.inbox.hours import days, in_words
from adapters.inbox.listing import OfferSeen
from broker.look.language import speak
from broker.look.words import moment, utc
from broker.look.zone import NoSuchHour, by_clocks, see_in
from broker.schemas.contact_window import ContactWindow
from broker.schemas.person_groups import SafeContact

LOS_ANGELES = ZoneInfo("America/Los_Angeles")


@pytest.fixture(autouse=True)
def _as_before() -> Any:
    yield
    speak("en")
    see_in(ZoneInfo("UTC"))


def window(rrule: str, starts: str = "09:00", ends: str = "15:30", zone: str = "America/Los_Angeles") -> ContactWindow:
    return ContactWindow.model_validate({"rrule": rrule, "startsAt": starts, "endsAt": ends, "timezone": zone})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "english", "spanish"),
    [
        (
            window("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
            "Monday to Friday, 09:00–15:30, Los Angeles time",
            "De lunes a viernes, 09:00–15:30, hora de Los Ángeles",
        ),
        (
            window("FREQ=DAILY", "22:00", "06:00", "Europe/London"),
            "Every day, 22:00 until 06:00 the next day, London time",
            "Todos los días, de 22:00 a 06:00 del día siguiente, hora de Londres",
        ),
        (
            window("FREQ=WEEKLY;BYDAY=SU,SA", "00:00", "00:00", "UTC"),
            "Saturday and Sunday, at any hour, UTC time",
            "Sábado y domingo, a cualquier hora, hora de UTC",
        ),
        (
            window("FREQ=WEEKLY;BYDAY=MO,SU,TU,WE,FR", "08:00", "08:00"),
            "Monday to Wednesday, Friday, and Sunday, from 08:00 for 24 hours, Los Angeles time",
            "De lunes a miércoles, viernes y domingo, 24 horas desde las 08:00, hora de Los Ángeles",
        ),
    ],
)
def test_a_window_is_said_in_words(one: ContactWindow, english: str, spanish: str) -> None:
    """Days, hours, and whose clocks, in either language."""
    assert in_words(one) == english
    speak("es")
    assert in_words(one) == spanish


def test_every_choice_of_days_that_the_contract_allows_has_words() -> None:
    """All 127 of them, each different; and nothing of a recurrence rule is in any."""
    codes = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
    chosen = [[code for place, code in enumerate(codes) if bits >> place & 1] for bits in range(1, 128)]
    said = {days(window(f"FREQ=WEEKLY;BYDAY={','.join(some)}").rrule) for some in chosen}
    assert len(said) == len(chosen)
    assert not any("=" in one or "BYDAY" in one for one in said)
    assert days("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU") == days("FREQ=DAILY") == "every day"


@pytest.mark.parametrize("rrule", ["FREQ=MONTHLY;BYMONTHDAY=1", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY"])
def test_what_has_no_words_stands_as_it_was_sent(rrule: str) -> None:
    """An hour that she named is never dropped."""
    assert days(rrule) == rrule
    told = in_words(window("FREQ=DAILY").model_copy(update={"rrule": rrule}))
    assert told == f"{rrule}, 09:00–15:30, Los Angeles time"


def test_a_moment_is_told_by_the_clocks_of_the_house() -> None:
    """In the reader's language, the zone named; an hour that comes twice says which; what is kept for good is UTC."""
    when = at("2026-11-30T17:00")
    assert moment(when) == "30 Nov 2026, 17:00 (UTC)"
    see_in(LOS_ANGELES)
    assert moment(when) == "30 Nov 2026, 09:00 (Los Angeles)"
    assert moment(when, ZoneInfo("Asia/Kathmandu")) == "30 Nov 2026, 22:45 (Kathmandu)"
    assert moment(at("2026-11-01T08:30")) == "1 Nov 2026, 01:30 (Los Angeles, UTC-07:00)"
    assert moment(at("2026-11-01T09:30")) == "1 Nov 2026, 01:30 (Los Angeles, UTC-08:00)"
    assert utc(when) == "2026-11-30 17:00 UTC"
    speak("es")
    assert moment(when) == "30 nov 2026, 09:00 (Los Ángeles)"


def test_what_is_written_by_the_clocks_is_one_moment() -> None:
    """Of two hours the first; an hour that is skipped is none, and neither is one that no calendar has."""
    assert by_clocks(datetime(2026, 11, 30, 9), LOS_ANGELES) == at("2026-11-30T17:00")  # noqa: DTZ001
    assert by_clocks(datetime(2026, 11, 1, 1, 30), LOS_ANGELES) == at("2026-11-01T08:30")  # noqa: DTZ001
    for written in (datetime(2026, 3, 8, 2, 30), datetime(9999, 12, 31, 23)):  # noqa: DTZ001
        with pytest.raises(NoSuchHour):
            by_clocks(written, LOS_ANGELES)


def test_the_terminal_says_the_same_words() -> None:
    """The hours in words, and from when on contact may be made, by the clocks by which she named them."""
    safe = SafeContact.model_validate_json(to_json(SafeContact.EXAMPLE))
    offer = cast(OfferSeen, SimpleNamespace(contact_confirmed_at=None, contact_fresh=None, reference="K7QF-2MXD"))
    told = list(contact_lines(safe, offer, at("2026-11-29T08:00"), contact=True))
    assert "  When: Monday to Friday, 09:00–15:30, Los Angeles time" in told
    assert any("make no contact before 30 Nov 2026, 09:00 (Los Angeles)." in line for line in told)
