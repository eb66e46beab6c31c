"""Compiles the sentences of a language: `python -m tests.adapters.pages.catalogue`, after `handoff.po` has changed."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = Path(__file__).parents[3] / "broker" / "look" / "languages"


def compiled(po: Path) -> bytes:
    """The catalogue that Python's gettext reads."""
    with po.open("rb") as written:
        catalogue = read_po(written)
    # Otherwise each compilation would differ by its time.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    made = io.BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def translated(po: Path) -> set[str]:
    """The sentences that have their words in this language."""
    with po.open("rb") as written:
        return {str(message.id) for message in read_po(written) if message.id and message.string}


if __name__ == "__main__":
    for po in LANGUAGES.glob("*/LC_MESSAGES/*.po"):
        po.with_suffix(".mo").write_bytes(compiled(po))
