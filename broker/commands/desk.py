"""`handoff desk`: who may come in at the desk, the pages of the network's own people, and who may not any more."""

from typing import Annotated

import typer

from broker import limits
from broker.commands.database import with_pool
from broker.commands.trail import Json
from broker.entry.accounts import PasskeyId
from broker.entry.links import LinkPurpose
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.web.desk.letting_in import link_for, passkeys_in_use, take_away
from broker.web.desk.roles import DeskRole

app = typer.Typer(no_args_is_help=True, help="Who may come in at the desk, the pages of the network's own people.")
passkey = typer.Typer(no_args_is_help=True, help="Who may come in by passkey.")
app.add_typer(passkey, name="passkey")

Role = Annotated[DeskRole, typer.Option("--role", case_sensitive=False, help="What whoever comes in is here for.")]


@app.command("sign-in-link")
def sign_in_link(role: Role) -> None:
    """Print a link by which one person signs in at the desk once: in exercises alone. It is an entry of the trail."""
    _print_link(role, LinkPurpose.SIGN_IN)


@passkey.command("link")
def link(role: Role) -> None:
    """Print a link by which one person makes a first passkey, once. Hand it over, do not mail it.

    It is an entry of the trail.
    """
    _print_link(role, LinkPurpose.PASSKEY)


@passkey.command("list")
def list_(as_json: Json = False) -> None:
    """The passkeys that are in use: their ids, whose they are by account and role, when made and used."""

    async def work(settings: Settings, pool: Pool) -> None:
        lines = await passkeys_in_use(settings, pool, as_json=as_json)
        for line in lines:
            typer.echo(line)
        if not lines and not as_json:
            typer.echo("Nobody has a passkey here; `handoff desk passkey link` lets somebody make one.", err=True)

    with_pool(work)


@passkey.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="key-…, as `passkey list` shows it.")],
) -> None:
    """Take a passkey out of use; whoever it has signed in is signed out at once. It is an entry of the trail."""

    async def work(settings: Settings, pool: Pool) -> None:
        if not await take_away(settings, pool, PasskeyId(key)):
            typer.echo("No such passkey is in use; `handoff desk passkey list` shows them.", err=True)
            raise typer.Exit(1)
        typer.echo("Out of use. Whoever it had signed in is signed out.")

    with_pool(work)


def _print_link(role: DeskRole, purpose: LinkPurpose) -> None:
    async def work(settings: Settings, pool: Pool) -> None:
        typer.echo(await link_for(settings, pool, role, purpose))
        typer.echo(f"It works once, within {limits.sign_in_link_minutes} minutes.", err=True)

    with_pool(work)
