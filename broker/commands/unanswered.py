"""`handoff unanswered`: answers that never come, and the two people who agree to wait for one no longer."""

from typing import Annotated

import typer

from broker.commands.audit import AsCsv, AsJson
from broker.commands.database import with_broker
from broker.commands.roles import By
from broker.commands.rows import form_of, printed
from broker.commands.trail import ACTOR
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.closing import ClosingReason, approve_closing, request_closing
from broker.store.closing import unanswered as open_answers

app = typer.Typer(
    no_args_is_help=True,
    help="Recalls and reviews that nobody answers after the last deadline: list them, close them in two roles.",
)


@app.command("list")
def list_(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """What is waited for after its last deadline, who owes it, and whether somebody has asked to close it."""

    async def ask(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            lines = await open_answers(connection, ACTOR)
        for line in printed(lines, form_of(as_json, as_csv)):
            typer.echo(line)
        if not (lines or as_json or as_csv):
            typer.echo("Every answer has come, or may still come in time.")

    with_broker(ask)


@app.command()
def close(
    name: Annotated[str, typer.Argument(help="The offer (off-…) or the emergency (bgl-…), as the list names it.")],
    reason: Annotated[ClosingReason, typer.Option(help="Why its answer is waited for no longer.")],
    by: By,
) -> None:
    """Ask to wait no longer for an answer. It stays open until somebody in another role agrees."""

    async def do(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            closing = await request_closing(connection, name, reason, by)
        typer.echo(f"Asked for. Somebody else agrees to it: handoff unanswered approve {closing} --by role:…")

    with_broker(do)


@app.command()
def approve(closing: Annotated[str, typer.Argument(help="The closing's id: cls-…")], by: By) -> None:
    """Agree, in another role, that an answer is waited for no longer: it stands as not confirmed from then on."""

    async def do(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            outcome = await approve_closing(connection, closing, by)
        typer.echo(f"Closed: {outcome}. `handoff audit overdue` names it until it is erased; a late answer counts.")

    with_broker(do)
