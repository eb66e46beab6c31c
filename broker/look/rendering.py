"""Pages from templates: everything escaped, an unknown name is an error, each sentence in the reader's language."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from broker.look.language import LANGUAGES, _, counted, spoken
from broker.look.words import as_written

_FOLDER: Final = Path(__file__).parent
STATIC: Final = {path.name: path.read_bytes() for path in (_FOLDER / "static").iterdir()}
"""Our own style and scripts, by name: nothing else is served as a file."""


def templates_of(*folders: Path) -> Environment:
    """The templates of one application, each by the first folder that has it; those here are everybody's."""
    made = Environment(
        loader=FileSystemLoader([*folders, _FOLDER / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update({"_": _said, "counted": counted, "spoken": spoken, "languages": LANGUAGES})
    made.tests["as_written"] = as_written
    return made


def _said(sentence: str, **values: object) -> str:
    return _(sentence) % values if values else _(sentence)
