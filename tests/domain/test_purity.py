"""The rules are pure: no clock, no chance, no I/O, no `async`, and nothing of ours but the contract."""

import ast
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "broker" / "domain"
FILES = sorted(DOMAIN.glob("*.py"))

ALLOWED = {
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "operator",
    "pydantic",
    "pydantic_core",
    "re",
    "tomllib",
    "types",
    "typing",
}
"""Modules that neither look outside nor remember."""

FORBIDDEN_CALLS = {"now", "utcnow", "today", "open", "print", "input", "exec", "eval", "__import__", "hash", "id"}
"""The clock, the outside, and what differs from process to process."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_the_rules_imports_only_the_contract_and_what_cannot_look_outside(path: Path) -> None:
    """design.md §6: `broker.domain` sees `broker.schemas`, the standard library's pure parts and pydantic."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            ours = name.startswith(("broker.domain", "broker.schemas"))
            assert ours or name.split(".")[0] in ALLOWED, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_the_rules_awaits_nothing_and_asks_no_clock(path: Path) -> None:
    """Time and ids come in as arguments (style.md §1.4)."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Global)
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert called not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno}"


def test_the_rules_were_found() -> None:
    """The two tests above looked at something."""
    assert {"consent", "policy", "lifecycle", "deadlines", "risk", "matching"} <= {path.stem for path in FILES}
