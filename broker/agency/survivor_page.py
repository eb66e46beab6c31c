"""The survivor's list in plain words, English or Spanish: as text, and as one page to print with nothing outside it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from broker.agency.survivor_list import Recipient, Standing, SurvivorList
from broker.look.language import _, speak
from broker.look.rendering import templates_of
from broker.schemas.field_groups import GROUPS

_TEMPLATES: Final = templates_of(Path(__file__).parent / "pages")

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_STANDING: Final = {
    Standing.RECEIVED: "It said yes and received this.",
    Standing.MAY_RECEIVE: "It was named. It receives this only if it says yes.",
    Standing.ENDED: "The time for which this was allowed is over.",
    Standing.TAKEN_BACK: "This was taken back on %(day)s. Whoever had it was told to stop using it and to delete it.",
}

Item = tuple[str, list[str], list[str]]
"""Who, what, and what there is to know about it."""


def as_text(told: SurvivorList, language: str) -> str:
    """The list as lines for a screen."""
    speak(language)
    lines = [_("Who received what about you"), "", *_opening(told)]
    for name, what, facts in map(_item, told.recipients):
        lines += ["", name, *(f"  - {one}" for one in what), *(f"  {fact}" for fact in facts)]
    if not told.recipients:
        lines += ["", _("Nobody has received anything that says who you are.")]
    return "\n".join([*lines, "", *_closing()]) + "\n"


def as_page(told: SurvivorList, language: str) -> str:
    """The list as one HTML file: no script, no picture, no address of anything else."""
    speak(language)
    return _TEMPLATES.get_template("survivor_list.html").render(
        opening=list(_opening(told)), items=list(map(_item, told.recipients)), closing=list(_closing())
    )


def _opening(told: SurvivorList) -> Iterator[str]:
    yield _("%(agency)s made this list for you on %(day)s, from its own records.") % {
        "agency": told.agency,
        "day": _day(told.made_at),
    }
    yield _("You need not take it with you if that is not safe.")


def _closing() -> Iterator[str]:
    yield _(
        "Before anybody said yes, others may have been asked for help without your name: for how many people, where"
        " roughly, and what is needed."
    )
    yield _("You may take back your permission at any time. Tell us; a word is enough.")


def _item(one: Recipient) -> Item:
    facts = [_("Since %(day)s") % {"day": _day(one.since)}]
    if one.until is None:
        facts.append(_("No last day was set."))
    else:
        facts.append(_("Until %(day)s") % {"day": _day(one.until)})
    back = {} if one.taken_back_at is None else {"day": _day(one.taken_back_at)}
    facts.append(_(_STANDING[one.standing]) % back)
    return one.name, [_(GROUPS[group].label) for group in one.groups], facts


def _day(at: datetime) -> str:
    return _("%(month)s %(day)s, %(year)s") % {"month": _(_MONTHS[at.month - 1]), "day": at.day, "year": at.year}
