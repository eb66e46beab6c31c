"""The morning after: what is open and who owns it, as a person sees it; and an auditor who trusts nobody."""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broker.local.demo.forgery import exported_altered
from broker.trail.tiles import CHECKPOINT_FILE

if TYPE_CHECKING:
    from broker.local.demo.story import Story

_HANDOFF: Final = "-m", "broker.cli"
VERIFIER: Final = Path(__file__).parents[2] / "trail" / "handoff_verify.py"
ALTERED: Final = 3
"""The verifier's exit code where an entry or a text was altered (docs/trail.md)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command of its own process came to."""

    code: int
    lines: list[str]


async def ran(story: "Story", *command: str) -> Ran:
    """Run a Python program as a person would in another terminal, in this installation."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HANDOFF_HOME": str(story.settings.home), "NO_COLOR": "1"},
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:  # Somebody has pressed Ctrl-C: nothing is left running.
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, out.decode().splitlines())


async def the_key(story: "Story") -> Ran:
    """The log's public key, which the auditor is given by another way than the trail."""
    return await ran(story, *_HANDOFF, "trail", "vkey")


async def morning(story: "Story", key: Ran) -> None:
    """The next shift looks at what is open; then the auditor comes. What is independent runs at once."""
    bundle = _folder(story) / "trail"
    status, export = await asyncio.gather(
        ran(story, *_HANDOFF, "status"), ran(story, *_HANDOFF, "trail", "export", str(bundle))
    )
    _what_is_open(story, status)
    story.teller.chapter("15. An auditor asks what went where, and trusts neither the network nor us.")
    story.check(f"the trail is exported, with everything needed to check it: {bundle}", holds=export.code == 0)
    await _verified_and_altered(story, bundle, key)


def _what_is_open(story: "Story", status: Ran) -> None:
    story.teller.chapter("14. 07:00, the next shift. `handoff status` tells what is open, how old, and who owns it.")
    for line in status.lines:
        story.teller.aside(line)
    owned = [line for line in status.lines if "  with " in line]
    story.check("every open need has a next step and an owner", holds=bool(owned) and "with nobody" not in str(owned))


async def keep_checkpoint(story: "Story") -> None:
    """The South precinct keeps a checkpoint, so that nobody can shorten or rewrite the log behind its back."""
    newest = story.settings.log / CHECKPOINT_FILE
    await story.until("the log's first checkpoint is published", newest.is_file)
    kept = _folder(story) / "held"
    await asyncio.to_thread(_begin, _folder(story), newest, kept)
    story.teller.aside("The South precinct keeps a copy of the log's newest checkpoint, as it does every day.")


def _begin(folder: Path, newest: Path, kept: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept.write_bytes(newest.read_bytes())


def _folder(story: "Story") -> Path:
    """Where the auditor's things lie; those of an earlier night make room."""
    return story.settings.home / "audit"


async def _verified_and_altered(story: "Story", bundle: Path, key: Ran) -> None:
    """The trail is verified; then one row is altered in a copy, and the verifier names it."""
    altered = _folder(story) / "altered"
    entry = await exported_altered(story.settings, altered)
    honest, forged = await asyncio.gather(_verified(story, bundle, key), _verified(story, altered, key))
    for line in honest.lines[:4]:
        story.teller.aside(line)
    story.check("handoff-verify, offline and alone, says that everything holds", holds=honest.code == 0)
    story.teller.aside("In a copy, somebody with every right over the database replaces one recipient by another.")
    named = [line for line in forged.lines if f"entry {entry:,} " in line]
    for line in (*forged.lines[:1], *named):
        story.teller.aside(line)
    story.check(f"the verifier names the row: entry {entry:,}", holds=forged.code == ALTERED and bool(named))
    story.teller.aside("So what went where is proven by the log and one kept checkpoint, whoever runs the database.")


async def _verified(story: "Story", bundle: Path, key: Ran) -> Ran:
    """The verifier's one file by itself, without anything else of ours."""
    given = [word for line in key.lines for word in ("--vkey", line)]
    return await ran(story, "-I", str(VERIFIER), str(bundle), *given, "--held", str(_folder(story) / "held"))
