"""The rules of style that can be tested, tested: for every file of the project, by its being there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
BANNED_NAMES = frozenset({"utils", "helpers", "common", "manager", "misc"})
GENERATED = ("broker/store/migrations/versions", "adapters/migrations/versions")


def sources(*folders: str) -> list[Path]:
    """Python files that git knows below these folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f"{folder}/*.py" for folder in folders)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if not line.startswith(GENERATED)]


CODE = sources("broker", "adapters", "bench", "deploy")
ALL = [*CODE, *sources("tests")]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_it_promises_and_stays_short(path: Path) -> None:
    """A docstring whose first line is a sentence, at most 400 lines, functions of at most 70."""
    text = path.read_text()
    tree = ast.parse(text)
    promise = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert promise.endswith((".", ":", "?", ",")) or not text.strip(), "the first line says what the file promises"
    assert len(text.splitlines()) <= FILE_LINES_MAX
    too_long = [one.name for one in functions(tree) if (one.end_lineno or 0) - one.lineno >= FUNCTION_LINES_MAX]
    assert not too_long


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_of_the_field_and_nothing_is_left_to_do(path: Path) -> None:
    """No file is called utils, and no code carries a note of what is still to be done."""
    assert path.stem not in BANNED_NAMES
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_whoever_reads_kafka_says_how_it_acknowledges(path: Path) -> None:
    """Four of FastStream's five policies lose the event whose handler fails, and the default is one of them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "subscriber":
            assert "ack_policy" in {keyword.arg for keyword in node.keywords}


@pytest.mark.parametrize("folder", ["broker/domain", "broker/handlers"])
def test_the_rules_and_the_stories_have_no_clock_and_no_chance(folder: str) -> None:
    """Time and ids come in as arguments; nothing is awaited."""
    for path in sources(folder):
        tree = ast.parse(path.read_text())
        imported = {
            name.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        } | {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported.isdisjoint({"time", "random", "secrets", "uuid", "os", "asyncio", "socket", "asyncpg"}), path
        assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(tree)), path
        assert "datetime.now" not in path.read_text(), path


def test_no_file_names_the_host_of_a_registry() -> None:
    """Packages are named by name and hash; where they come from is the installer's matter."""
    dot = "[.]"
    hosts = f"pypi{dot}org|python" + f"hosted|registry{dot}npmjs|repo1?{dot}maven|deb{dot}debian|crates{dot}io"
    found = subprocess.run(["git", "grep", "-lIE", hosts], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--quiet", "--check"],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["style", "format", "types", "directions"],
)
def test_the_checks_hold(command: list[str]) -> None:
    """What `make check` says, the tests say."""
    done = subprocess.run(
        [Path(sys.executable).parent / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
