"""`handoff channel secret`: make, list and retire what a channel signs with, or what the door believes."""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from adapters.transports import webhook_secret_making
from adapters.transports.webhook_secret_making import SecretKind
from broker.schemas.ids import ORG_ID_PATTERN

FolderOf = Callable[[str, int | None], Path]
"""The folder of the secrets of an organisation's channel at a place, or of its door (None)."""

Org = Annotated[str, typer.Option("--org", help="Which organisation.")]
Place = Annotated[int | None, typer.Option("--place", min=1, help="Which of its channels, by its turn.")]
Door = Annotated[bool, typer.Option("--door", help="Its door instead: what the provider's own system signs with.")]


def secret_app(folder_of: FolderOf) -> typer.Typer:
    """The `secret` command group; `folder_of` knows where channels keep their secrets."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        help="What a channel signs with, and what the door believes. All secrets of a channel sign at once, so:"
        " make a new one, let the other side take it in, then retire the old one.",
    )
    _making(app, folder_of)
    _looking(app, folder_of)
    return app


def _making(app: typer.Typer, folder_of: FolderOf) -> None:
    @app.command("new")
    def new(
        org: Org,
        place: Place = None,
        door: Door = False,
        kind: Annotated[SecretKind, typer.Option("--kind", help="ed25519 where the receiver can.")] = (
            SecretKind.ED25519
        ),
    ) -> None:
        """Make a secret; prints what the other side needs, once."""
        if door and kind is SecretKind.ED25519:
            raise typer.BadParameter(
                "The other side makes its own key pair: `add` its public half, or use --kind hmac."
            )
        made = webhook_secret_making.new_secret(_folder(folder_of, org, place, door=door), kind, datetime.now(UTC))
        typer.echo(f"{made.name} is in use.")
        if kind is SecretKind.HMAC:
            typer.echo("Give this to the other side on a safe way, and keep no copy:")
        else:
            typer.echo("Give this public key to the other side; nothing in it is secret:")
        typer.echo(made.for_other_side)

    @app.command("add")
    def add(org: Org, place: Place = None, door: Door = False) -> None:
        """Keep what the other side made (whpk_… or whsec_…), read from the standard input."""
        folder = _folder(folder_of, org, place, door=door)
        if sys.stdin.isatty():
            typer.echo("Paste it, then Enter:", err=True)
        name = webhook_secret_making.add_secret(folder, sys.stdin.readline(), datetime.now(UTC))
        typer.echo(f"{name} is in use.")


def _looking(app: typer.Typer, folder_of: FolderOf) -> None:
    @app.command("list")
    def list_secrets(
        org: Org,
        place: Place = None,
        door: Door = False,
        as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    ) -> None:
        """Name, kind and age of each, and public halves. Never a secret."""
        found = webhook_secret_making.list_secrets(_folder(folder_of, org, place, door=door))
        if as_json:
            shown = [
                {"name": s.name, "version": s.version, "madeAt": s.made_at.isoformat(), "public": s.public}
                for s in found
            ]
            typer.echo(json.dumps(shown, indent=2))
            return
        for one in found:
            typer.echo(f"{one.name}  {one.version:3}  {one.made_at:%Y-%m-%d %H:%M}Z  {one.public or ''}".rstrip())
        if not found:
            typer.echo("None yet: `handoff channel secret new` makes one.")

    @app.command("retire")
    def retire(
        name: Annotated[str, typer.Argument(help="As `list` shows it.")],
        org: Org,
        place: Place = None,
        door: Door = False,
    ) -> None:
        """Destroy one: nothing is signed with it any more, and nothing believed. There is no way back."""
        folder = _folder(folder_of, org, place, door=door)
        webhook_secret_making.retire_secret(folder, name)
        left = len(webhook_secret_making.list_secrets(folder))
        typer.echo(f"{name} is destroyed. Left: {left}.")


def _folder(folder_of: FolderOf, org: str, place: int | None, *, door: bool) -> Path:
    if door == (place is not None):
        raise typer.BadParameter("Say which: --place of a channel, or --door.")
    if re.fullmatch(ORG_ID_PATTERN, org) is None:
        raise typer.BadParameter("An organisation's id looks like org-haven.")
    return folder_of(org, None if door else place)
