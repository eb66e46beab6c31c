"""Processes of the network as children of this one: each with its own settings, a log, and an end with its parent."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from broker.composition import Process
from broker.local.child import GuardedChild, Program
from broker.settings import Settings

_OF_THE_BROKER: Final = frozenset({"postgres_dsn"})
_OF_THE_SEQUENCER: Final = frozenset({"postgres_sequencer_dsn"})
_OF_THE_PROVIDERS: Final = frozenset(
    {
        *("provider_postgres_dsn", "door_address"),
        *(name for name in Settings.model_fields if name.startswith(("inbox_", "outgoing_"))),
    }
) - {"inbox_exit_url"}
_OF_THE_WEB: Final = frozenset({"web_address", *(name for name in Settings.model_fields if name.startswith("desk_"))})
_OF_OWNERS: Final = frozenset({"postgres_owner_dsn", "provider_postgres_owner_dsn"})


def served(settings: Settings, process: Process, log: Path, command: Sequence[str] | None = None) -> GuardedChild:
    """Start `handoff serve PROCESS`, or another command in its place, with these settings; it prints into `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    program = Program(
        name=f"handoff serve {process.value}",
        command=command or (sys.executable, "-m", "broker.cli", "serve", process.value),
        folder=Path.cwd(),
        log=log,
        stop_signal=signal.SIGTERM,
        environment=environment_of(settings, process),
    )
    return GuardedChild(program)


@contextmanager
def serving(
    settings: Settings, process: Process, log: Path, command: Sequence[str] | None = None
) -> Iterator[GuardedChild]:
    """A process of the network while the block lasts."""
    child = served(settings, process, log, command)
    try:
        yield child
    finally:
        child.stop()


def environment_of(settings: Settings, process: Process) -> dict[str, str]:
    """The variables that say these settings to a child; none is given what is not its own: a database, a role,
    a door or a way out."""
    others = {
        Process.ADAPTER: _OF_THE_BROKER | _OF_THE_SEQUENCER,
        Process.SEQUENCER: _OF_THE_BROKER | _OF_THE_PROVIDERS,
    }
    hidden = _OF_OWNERS | others.get(process, _OF_THE_PROVIDERS | _OF_THE_SEQUENCER)
    if process is not Process.WEB:
        hidden |= _OF_THE_WEB
    variables: dict[str, str] = {}
    for name in settings.model_fields_set | {"home"}:
        value = getattr(settings, name)
        if value is not None and name not in hidden:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"HANDOFF_{name.upper()}"] = plain
    return variables
