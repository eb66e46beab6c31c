"""Rows of an answer as a table for people: columns in which anything stands, codes with their words beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from broker import limits, telling
from broker.look.language import _
from broker.look.words import span
from broker.schemas.ids import ReferralId
from broker.schemas.reference import reference_of
from broker.sheets import named

COLUMNS: Final[Mapping[str, str]] = {
    "about": "About",
    "approved_by": "Approved by",
    "at": "When",
    "basis": "Basis",
    "before": "Before",
    "by": "By",
    "code": "Code",
    "consents": "Releases",
    "date": "When",
    "emergency": "Emergency",
    "entries": "Entries",
    "exempt": "Exempt by",
    "first": "First",
    "groups": "Groups",
    "invoked_by": "Invoked by",
    "last": "Last",
    "looser": "Looser",
    "need": "Kind of help",
    "next_try": "Next try",
    "now": "Now",
    "number": "No.",
    "outcome": "Outcome",
    "owed": "Owed",
    "phase": "Phase",
    "purpose": "Purpose",
    "reason": "Reason",
    "recipient": "Recipient",
    "recipient_name": "Name",
    "referral": "Referral",
    "reviewed_by": "Reviewed by",
    "rules": "Rules",
    "seconds": "Took",
    "signers": "Signed by",
    "since": "Since",
    "source": "Source",
    "taken_back": "Taken back",
    "times": "Times",
    "until": "Until",
    "what": "What",
    "who": "Who",
    "withheld": "Withheld",
}
OUTCOMES: Final = {
    "WAITS": "waits to leave",
    "ON_ITS_WAY": "left here: nothing heard since",
    "DELIVERED": "has arrived",
    "SEEN": "was seen",
    "NOT_DELIVERED": "could not be delivered",
    "STOPPED": "was stopped before it left",
    "ENDED": "ended before anybody said they had it",
}
"""What came of a delivery, in words."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table's cell, line by line; `referral` is where it leads to."""

    lines: tuple[str, ...]
    referral: str | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return self == _NOTHING


_NOTHING: Final = Cell(("—",))
_COLUMNS_MAX: Final = 7
"""More do not fit beside each other: then each row is a card."""
_HEAD: Final = ("at", "date", "recipient", "phase")
"""What a card is headed by."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its columns' names, and its rows, as many as a page shows of `total`.

    `heads` are the titles of its cards where it is too wide for a table. `legend` says what the named rules demand.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    heads: tuple[str, ...]
    legend: tuple[tuple[str, str], ...]


def sheet_of(rows: Sequence[object], *, about: str | None = None) -> Sheet:
    """These rows; columns in which nothing stands are left out, and the referral where they all are `about` it."""
    listed = [named(row) for row in rows[: limits.audit_rows_shown_max]]
    names = [name for name in listed[0] if any(_stands(row[name]) for row in listed)] if listed else []
    names = [name for name in names if name != "referral" or {row[name] for row in listed} != {about}]
    wide = len(names) > _COLUMNS_MAX
    heads = tuple(" · ".join(_text(name, row[name]) for name in _HEAD if name in row) for row in listed) if wide else ()
    names = [name for name in names if not wide or name not in _HEAD]
    cells = tuple(tuple(_cell(name, row[name]) for name in names) for row in listed)
    return Sheet(tuple(_(COLUMNS[name]) for name in names), cells, len(rows), heads, _legend(listed))


def _legend(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The rules that these rows name, in order, each with what it demands."""
    rules = sorted({rule for row in rows for rule in row.get("rules", ())})
    return tuple((rule, words) for rule in rules if (words := telling.demands(rule)) is not None)


def exact(moment: datetime) -> str:
    """A moment as an auditor needs it: to the second, with its zone."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _stands(value: Any) -> bool:
    return value not in (None, "", ())


def _text(name: str, value: Any) -> str:
    return " ".join(_cell(name, value).lines)


def _cell(name: str, value: Any) -> Cell:
    if not _stands(value):
        return _NOTHING
    if name in _SHOWN:
        return _SHOWN[name](value)
    if isinstance(value, datetime):
        return Cell((exact(value),))
    return Cell(tuple(map(str, value)) if isinstance(value, tuple) else (str(value),))


def _referral(value: str) -> Cell:
    if not value.startswith("ref-"):
        return Cell((value,))
    return Cell((reference_of(ReferralId(value)),), value)


def _groups(value: Sequence[str]) -> Cell:
    return Cell(tuple(f"{group} {telling.label(group)}" for group in value))


def _withheld(value: Sequence[str]) -> Cell:
    pairs = [told.split(":", 1) for told in value]
    return Cell(tuple(f"{group} {telling.label(group)}: {telling.coded_reason(why)}" for group, why in pairs))


def _until(value: str) -> Cell:
    return Cell((exact(datetime.fromisoformat(value)),))


def _rules(value: Sequence[str]) -> Cell:
    return Cell((", ".join(dict.fromkeys(value)),))


def _outcome(value: str) -> Cell:
    return Cell((_(OUTCOMES[value]) if value in OUTCOMES else value,))


_SHOWN: Final[Mapping[str, Callable[[Any], Cell]]] = {
    "referral": _referral,
    "about": _referral,
    "groups": _groups,
    "withheld": _withheld,
    "until": _until,
    "rules": _rules,
    "outcome": _outcome,
    "seconds": lambda value: Cell((span(timedelta(seconds=value)),)),
}
