"""`handoff trail`: a referral's story, and the log that proves it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from broker.commands import trail_anchor, trail_kept, trail_log
from broker.commands.reconcile import reconcile
from broker.commands.roles import By
from broker.commands.rows import Form, form_of, printed
from broker.composition import broker_pool
from broker.local.parts import attached
from broker.settings import load_settings
from broker.sql.bulk import Connection
from broker.store.questions import TrailLine, state_of, trail_of
from broker.telling import plain_facts, story_row
from broker.trail.entries import fresh_salt

trail = typer.Typer(no_args_is_help=True, help="The trail: what happened to a referral, and the log that proves it.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]

ACTOR = "role:operator"
"""Who reads by this command line; sign-in with persons' roles comes with the pages."""


trail.command("status")(trail_log.status)
trail.command("export")(trail_log.export_bundle)
trail.command("vkey")(trail_log.vkey)
trail.command("checkpoint")(trail_log.checkpoint)
trail.command("proof")(trail_log.proof)
trail.command("consistency")(trail_log.consistency)
trail.command("receipt")(trail_log.receipt)
trail.command("anchor")(trail_anchor.anchor)
trail.command("watch")(trail_kept.watch)
trail.command("prove")(trail_kept.prove)
trail.command("reconcile")(reconcile)


@trail.command()
def show(
    referral: Annotated[str, typer.Argument(help="The referral's id: ref-…")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet; no cell can become a formula.")] = False,
    by: By = ACTOR,
) -> None:
    """Print the story of a referral in order. Reading it is an entry of the trail, too."""
    form = form_of(as_json, as_csv)

    async def ask(connection: Connection) -> None:
        async with connection.transaction():
            lines = await trail_of(connection, referral, by, fresh_salt())
        if not lines:
            typer.echo("No such referral, or nothing happened to it.", err=True)
            raise typer.Exit(1)
        if form is Form.TEXT and (state := await state_of(connection, referral)) is not None:
            typer.echo(f"{referral}  {state}")
        for line in _lines(lines, form):
            typer.echo(line)
        if not all(line.sound for line in lines):
            typer.echo("An entry does not fit its commitment: the trail was altered.", err=True)
            raise typer.Exit(6)

    _asked(ask)


def _lines(lines: Sequence[TrailLine], form: Form) -> Iterator[str]:
    if form is Form.TEXT:
        yield from map(_told, lines)
    elif form is Form.JSON:
        yield from (json.dumps(asdict(line), default=str) for line in lines)
    else:
        yield from printed([story_row(line) for line in lines], form)


def _told(line: TrailLine) -> str:
    """One entry in one or more lines a person wants to read."""
    facts = line.facts
    when = str(facts.get("at", line.at.isoformat()))[:19].replace("T", " ")
    head = f"{when}Z  {line.kind:<22} by {facts.get('actor')}{'' if line.sound else '   ALTERED'}"
    rest = "  ".join(f"{name}={value}" for name, value in plain_facts(line))
    details = [f"    {rest}"] if rest else []
    for offer in facts.get("offers", ()):
        rules = ",".join(offer["rules"])
        details.append(f"    offered to {offer['recipient']}: {' '.join(offer['letThrough'])}  by {rules}")
        details += [f"      withheld {group}: {reason}" for group, reason in offer["withheld"].items()]
    if "letThrough" in facts:
        details.append(f"    let through: {' '.join(facts['letThrough']) or 'nothing'}")
        details += [f"    withheld {group}: {reason}" for group, reason in facts["withheld"].items()]
    details += [f"    not asked: {org}: {reason}" for org, reason in facts.get("passedOver", {}).items()]
    return "\n".join([head, *details])


def _asked(ask: Callable[[Connection], Awaitable[None]]) -> None:
    async def run() -> None:
        async with broker_pool(attached(load_settings())) as pool, pool.acquire() as connection:
            await ask(connection)

    asyncio.run(run())
