"""Compiles the sentences of a language: `python -m tests.adapters.pages.catalogue`, after `handoff.po` has changed."""

import io
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = Path(__file__).parents[3] / "adapters" / "languages"


def compiled(po: Path) -> bytes:
    """The catalogue that Python's gettext reads."""
    made = io.BytesIO()
    with po.open("rb") as written:
        write_mo(made, read_po(written))
    return made.getvalue()


if __name__ == "__main__":
    for po in LANGUAGES.glob("*/LC_MESSAGES/*.po"):
        po.with_suffix(".mo").write_bytes(compiled(po))
