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


def test_a_process_loads_it_only_when_it_serves_a_provider() -> None:
    """The composition root names the adapters, and loads them only in the processes that are a provider's."""
    assert told("broker.app") == "none"


def test_the_check_would_notice() -> None:
    """The same question with a module that does open."""
    assert told("broker.seal.sealing", "broker.seal.opening") == "broker.seal.opening"
