"""The broker's process has no path by which to reach an opening key (design.md §2, rule 1)."""

import subprocess
import sys

ZONE = (
    "broker.reading",
    "broker.batch",
    "broker.pipeline",
    "broker.relay",
    "broker.handlers.stories",
    "broker.bus.intake",
    "broker.bus.publisher",
    "broker.store.loading",
    "broker.store.writing",
    "broker.seal.signature",
    "broker.seal.keys",
    "broker.seal.sealing",
)


def told(*modules: str) -> str:
    """The first of these modules with which the opening module comes in, in a fresh process; `none` if with none."""
    script = (
        "import importlib, sys\n"
        f"for module in {modules!r}:\n"
        "    importlib.import_module(module)\n"
        "    if 'broker.seal.opening' in sys.modules: sys.exit(print(module))\n"
        "print('none')"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_the_brokers_code_does_not_load_the_opening_module() -> None:
    """Nor does anything that it imports in turn."""
    assert told(*ZONE) == "none"


def test_the_brokers_processes_are_put_together_without_it() -> None:
    """NNEDV-12: `handoff serve broker|relay|clock|web` load composition, command and door, and none brings it along."""
    assert told("broker.composition", "broker.commands.serve", "broker.web.running") == "none"


def test_the_provider_zone_brings_it_along() -> None:
    """What puts the provider zone together is a file of its own, and only its own process loads it."""
    assert told("broker.app") == "broker.app"


def test_the_check_would_notice() -> None:
    """The same question with a module that does open."""
    assert told("broker.seal.sealing", "broker.seal.opening") == "broker.seal.opening"
