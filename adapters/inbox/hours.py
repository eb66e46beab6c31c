"""The hours at which contact is safe, in words: on which days, from when until when, and by whose clocks.

What no words are here for stands as it was sent: an hour that she named is never dropped.
"""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from broker.look import locales
from broker.look.language import _
from broker.schemas.contact_window import ContactWindow

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAILY: Final = "FREQ=DAILY"
_WEEKLY: Final = "FREQ=WEEKLY;BYDAY="
_RUN_MIN: Final = 3
"""As many days in a row are said by the first and the last of them."""


def in_words(window: ContactWindow) -> str:
    """A window as people say it: "Monday to Friday, 09:00–15:30, Los Angeles time"."""
    said = {
        "days": days(window.rrule),
        "hours": _clock(window.starts_at, window.ends_at),
        "place": locales.place(ZoneInfo(window.timezone)),
    }
    told = _("%(days)s, %(hours)s, %(place)s time") % said
    return told[0].upper() + told[1:]


def days(rrule: str) -> str:
    """On which days: "every day", "Monday to Friday", "Saturday and Sunday"; as it stands where there are no words."""
    if rrule == _DAILY:
        return _("every day")
    named = set(rrule.removeprefix(_WEEKLY).split(","))
    if not rrule.startswith(_WEEKLY) or not named <= set(_DAYS):
        return rrule
    if len(named) == len(_DAYS):
        return _("every day")
    return locales.listed([part for run in _runs(sorted(map(_DAYS.index, named))) for part in _run(run)])


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Days in a row, together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _run(run: Sequence[int]) -> list[str]:
    names = [locales.weekday(number) for number in run]
    return names if len(run) < _RUN_MIN else [_("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}]


def _clock(starts_at: str, ends_at: str) -> str:
    hours = {"from": starts_at, "until": ends_at}
    if starts_at < ends_at:
        return f"{starts_at}–{ends_at}"
    if starts_at > ends_at:
        return _("%(from)s until %(until)s the next day") % hours
    return _("at any hour") if starts_at == "00:00" else _("from %(from)s for 24 hours") % hours
