"""What people read here is said in the language of whoever asks; English is what stands in the code.

`_` marks a sentence and says it. The language belongs to the task that answers one request, so that two people who
read at the same time each read their own.
"""

import gettext
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("en", "es")
"""What can be chosen, the code's own first."""

_FOLDER: Final = Path(__file__).parent / "languages"
_DOMAIN: Final = "handoff"
_spoken: ContextVar[str] = ContextVar("_spoken", default=LANGUAGES[0])


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The sentences of one of `LANGUAGES`."""
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(_DOMAIN, _FOLDER, [language])


def speak(language: str) -> None:
    """From here on this task speaks one of `LANGUAGES`."""
    assert language in LANGUAGES
    _spoken.set(language)


def spoken() -> str:
    """The language of this task."""
    return _spoken.get()


def preferred(accept_language: str) -> str:
    """The first of `LANGUAGES` that a browser asks for, in the order in which it asks; English where it asks none."""
    asked = (part.partition(";")[0].strip().partition("-")[0].lower() for part in accept_language.split(","))
    return next((language for language in asked if language in LANGUAGES), LANGUAGES[0])


def _(sentence: str) -> str:
    """A sentence in this task's language; none where there is none."""
    # To gettext the empty sentence is the catalogue's own heading.
    return catalogue(_spoken.get()).gettext(sentence) if sentence else ""


def counted(one: str, many: str, number: int) -> str:
    """A sentence about `number` things, which it contains as `%(number)s`."""
    return catalogue(_spoken.get()).ngettext(one, many, number) % {"number": number}
