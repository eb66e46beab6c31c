"""The drawn trees of exceptions are the real one: every error of the project stands in one, under its parent."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from broker.errors import HandoffError
from tests.tidy.test_style import ROOT, sources

_LINE = re.compile(r"^(?P<branches>[ │├└─]*)(?P<name>[A-Z]\w+)$")
_STEP = 4
"""Characters by which one level is drawn further to the right."""

Edge = tuple[str, str]
"""Parent and child."""


def _drawn(text: str) -> Iterator[Edge]:
    """The edges of the tree that a docstring draws, which begins with HandoffError."""
    margin, above = None, list[str]()
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name, indent = match["name"], len(match["branches"])
        if name == HandoffError.__name__:
            margin, above = indent, [name]
        elif margin is not None:
            level = (indent - margin) // _STEP
            above = [*above[:level], name]
            yield above[level - 1], name


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _real(parent: type[Exception]) -> Iterator[Edge]:
    for child in parent.__subclasses__():
        if child.__module__.startswith(("broker.", "adapters.")):
            yield parent.__name__, child.__name__
            yield from _real(child)


def test_every_error_is_drawn_under_its_parent() -> None:
    """Whoever looks for what can go wrong reads `errors.py` of a package and has all of it."""
    modules = [_module(path) for path in sources("broker", "adapters") if path.stem not in ("__main__", "env")]
    found = [importlib.import_module(name) for name in modules]
    drawn = sorted(edge for one in found if one.__name__.endswith(".errors") for edge in _drawn(one.__doc__ or ""))
    assert drawn == sorted(_real(HandoffError))


def test_a_drawing_is_read_as_it_is_meant() -> None:
    """Levels, branches that go on, and a drawing that is indented as a whole."""
    text = "Words.\n\n    HandoffError\n    ├── One\n    │   └── Two\n    └── Three\n\nMore words."
    assert list(_drawn(text)) == [("HandoffError", "One"), ("One", "Two"), ("HandoffError", "Three")]
