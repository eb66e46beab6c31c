"""`handoff trail status`, `export`, `vkey`, `checkpoint`, `proof`, `consistency`, `receipt`: the log, for auditors."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from broker.commands.database import with_broker
from broker.composition import log_keys
from broker.local.progress import counted
from broker.schemas.ids import EventId, OrgId
from broker.seal.cards import KeyKind
from broker.seal.errors import KeyMissing
from broker.seal.key_files import read_cards
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection
from broker.store.log_state import log_state
from broker.store.outcomes import outcome_of
from broker.store.questions import note_export
from broker.trail.exporting import ANCHORS, export
from broker.trail.notes import Verifier
from broker.trail.proofs import PublishedLog, lines_of

ACTOR: Final = "role:operator"

LogFolder = Annotated[
    Path | None, typer.Option("--log", help="The published log, or an exported bundle; this installation's by default.")
]


def export_bundle(
    folder: Annotated[Path, typer.Argument(help="Where to; the folder must not be there yet, or be empty.")],
    party: Annotated[
        str | None, typer.Option("--for", help="The agency that it is for: opens what was disclosed by it and to it.")
    ] = None,
) -> None:
    """Write all that an auditor needs to check the trail alone, with `handoff-verify`. Doing so is an entry, too.

    What exactly was disclosed stays closed, unless it is --for one of the two agencies.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise typer.BadParameter(f"{folder} is there already and not empty.")

    async def work(settings: Settings, connection: Connection) -> None:
        await note_export(connection, ACTOR, party)
        with counted("Exporting the trail") as tell:
            size = await export(connection, folder, tell, party, settings.log / ANCHORS)
        typer.echo(f"Wrote {size} entries into {folder}. Check it: handoff-verify {folder} --vkey … --held …")

    with_broker(work)


def vkey() -> None:
    """Print the public keys that the log's checkpoints are checked with. Give them by another way than the bundle."""
    for verifier in _verifiers(load_settings()):
        typer.echo(verifier.vkey)


def status(as_json: Annotated[bool, typer.Option("--json", help="The same as one JSON object.")] = False) -> None:
    """How many entries are sealed, how old the oldest is that is not, and the last checkpoint. Exit 1 on an alarm."""

    async def work(_: Settings, connection: Connection) -> None:
        state = await log_state(connection)
        told = {
            "entries": state.entries,
            "unsealed_seconds": state.unsealed_seconds,
            "alarm": state.alarm,
            "stopped": state.stopped,
            "checkpoint_at": None if state.checkpoint_at is None else state.checkpoint_at.isoformat(),
        }
        if as_json:
            typer.echo(json.dumps(told))
        else:
            seconds, last = state.unsealed_seconds, told["checkpoint_at"] or "never"
            typer.echo(f"{state.entries} entries are sealed; the last checkpoint is of {last}.")
            typer.echo("Nothing waits." if seconds is None else f"The oldest that waits has waited {seconds:.0f} s.")
            if state.alarm:
                typer.echo("ALARM: is `handoff serve sequencer` running?" + " Nothing is sent." * state.stopped)
        raise typer.Exit(int(state.alarm))

    with_broker(work)


def checkpoint(folder: LogFolder = None) -> None:
    """Print the newest checkpoint. Keep it: with it you can tell later whether the log was shortened or rewritten."""
    typer.echo(_log(folder).checkpoint(), nl=False)


def proof(
    index: Annotated[int, typer.Argument(help="The entry's place in the log, counted from 0.", min=0)],
    folder: LogFolder = None,
) -> None:
    """Print the proof that an entry is in the log, as a .tlog-proof (c2sp.org/tlog-proof)."""
    typer.echo(_log(folder).inclusion(index), nl=False)


def consistency(
    old: Annotated[int, typer.Argument(help="The size that an older checkpoint says.", min=0)],
    new: Annotated[int, typer.Argument(help="The size that a newer one says.", min=0)],
    folder: LogFolder = None,
) -> None:
    """Print the hashes that prove that the log of NEW entries begins with the log of OLD ones (RFC 6962)."""
    for line in lines_of(_log(folder).consistency(old, new)):
        typer.echo(line)


def receipt(
    event: Annotated[str, typer.Argument(help="The event's id, as its publisher gave it.")],
    org: Annotated[str, typer.Option(help="Whose event it is: org-…")],
    as_json: Annotated[bool, typer.Option("--json", help="The same as one JSON object.")] = False,
) -> None:
    """Print the place of an event's entry in the log, for its publisher to keep. Exit 1 while it is not sealed."""

    async def work(_: Settings, connection: Connection) -> None:
        outcome = await outcome_of(connection, OrgId(org), EventId(event), None)
        found = outcome.receipt if outcome is not None else None
        if found is None:
            typer.echo("No such event of theirs was taken in, or it is not sealed yet.", err=True)
            raise typer.Exit(1)
        told = {"eventId": event, "index": found.index, "entry": found.entry}
        words = f"Entry {found.index}, {found.entry}. Its proof: `handoff trail proof {found.index}`."
        typer.echo(json.dumps(told) if as_json else words)

    with_broker(work)


def _log(folder: Path | None) -> PublishedLog:
    return PublishedLog(folder or load_settings().log)


def _verifiers(settings: Settings) -> list[Verifier]:
    folder, now = log_keys(settings), datetime.now(UTC)
    cards = [card for card in read_cards(folder) if card.kind is KeyKind.LOG]
    if not cards:
        raise KeyMissing
    return [Verifier(settings.origin, card.public) for card in cards if card.created_at <= now]
