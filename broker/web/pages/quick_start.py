"""The quick start's code: that of docs/, to the letter. The tests run it there, and hold the two against each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "snippets"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A block of code to copy: the page of docs/ that it stands on, what it is for, the code."""

    page: str
    about: str
    code: str


@dataclass(frozen=True, slots=True)
class WayIn:
    """One way of speaking with the network."""

    mark: str
    name: str
    about: str
    snippets: tuple[Snippet, ...]


def _snippet(page: str, name: str, about: str) -> Snippet:
    return Snippet(page, about, (_FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


_CLIENT, _HTTP, _KCAT = "quickstart-client.md", "quickstart-http.md", "quickstart-kcat.md"
WAYS_IN: Final = (
    WayIn(
        "python",
        "Python client",
        "It checks, seals, signs, and knows what became of an event. pip install warm-handoff, Python 3.11 or later.",
        (
            _snippet(_CLIENT, "client-refer", "Ask for help for somebody"),
            _snippet(_CLIENT, "client-follow", "Hear what becomes of it"),
            _snippet(_CLIENT, "client-shell", "The same from a shell"),
        ),
    ),
    WayIn(
        "http",
        "HTTP",
        "For whoever has no Kafka, in any language: an HTTP client and an Ed25519 signature are enough.",
        (
            _snippet(_HTTP, "http-sign", "Sign, send, ask"),
            _snippet(_HTTP, "http-refer", "Refer, and hear"),
        ),
    ),
    WayIn(
        "kcat",
        "kcat",
        "To look at the topics and to try things. It seals nothing: identity does not belong into what it sends.",
        (
            _snippet(_KCAT, "kcat-read", "What the broker has told you"),
            _snippet(_KCAT, "kcat-publish", "Publish, with the functions above in door.py"),
        ),
    ),
)
"""In the order in which to try them."""
