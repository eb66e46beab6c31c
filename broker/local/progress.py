"""Tells a waiting person what happens: a bar on a terminal, plain lines everywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """What long work reports to."""

    def say(self, line: str) -> None:
        """One step has begun or ended, in plain words."""

    def advance(self, done_bytes: int, total_bytes: int) -> None:
        """Of a download of `total_bytes`, `done_bytes` have arrived. Called from several threads."""


class Silence:
    """Reports nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def advance(self, done_bytes: int, total_bytes: int) -> None:
        """Nothing."""


class Lines:
    """A line for each step, and one for each quarter of a download."""

    def __init__(self) -> None:
        """Begin at nothing told."""
        self._quarter = 0

    def say(self, line: str) -> None:
        """Print the line to standard error."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def advance(self, done_bytes: int, total_bytes: int) -> None:
        """Print when another quarter is there."""
        quarter = 4 * done_bytes // max(total_bytes, 1)
        if quarter > self._quarter:
            self._quarter = quarter
            self.say(f"  {done_bytes / 1e6:.0f} of {total_bytes / 1e6:.0f} MB")


@contextmanager
def told_to_person() -> Iterator[Progress]:
    """A bar where standard error is a terminal, lines where it is not."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: "RichProgress") -> None:
        self._bar = bar
        self._task = bar.add_task("Kafka's jars", total=None, visible=False)

    def say(self, line: str) -> None:
        self._bar.console.print(line, highlight=False)

    def advance(self, done_bytes: int, total_bytes: int) -> None:
        self._bar.update(self._task, completed=done_bytes, total=total_bytes, visible=done_bytes < total_bytes)


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many of how many are done, where standard error is a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
