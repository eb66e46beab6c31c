"""`handoff inbox sign-in-link` and `handoff inbox passkey`: who may come in at the pages, and who may not any more."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from adapters.inbox.inboxes import Inboxes
from adapters.inbox.web.roles import StaffRole
from broker import limits
from broker.entry.accounts import PasskeyId
from broker.entry.links import LinkPurpose
from broker.entry.printing import link_at, passkey_lines
from broker.schemas.ids import OrgId
from broker.settings import Settings

if TYPE_CHECKING:
    from broker.entry.ways import Entry

OpenInboxes = Callable[[], AbstractAsyncContextManager[Inboxes]]
Result = TypeVar("Result")

Role = Annotated[StaffRole, typer.Option("--role", case_sensitive=False, help="What whoever signs in may do.")]
Org = Annotated[str | None, typer.Option("--org", help="Which organisation, where several are here.")]


def sign_in_link_command(open_inboxes: OpenInboxes, settings: Callable[[], Settings]) -> Callable[..., None]:
    """The command, on the inboxes that `open_inboxes` opens and whose pages `settings` describe."""

    def sign_in_link(role: Role, org: Org = None) -> None:
        """Print a link by which one person signs in at the pages once: in exercises alone."""
        _print_link(open_inboxes, settings(), org, role, LinkPurpose.SIGN_IN)

    return sign_in_link


def passkey_app(open_inboxes: OpenInboxes, settings: Callable[[], Settings]) -> typer.Typer:
    """The `handoff inbox passkey` command group."""
    app = typer.Typer(no_args_is_help=True, help="Who may come in at the pages by passkey.")

    @app.command("link")
    def link(role: Role, org: Org = None) -> None:
        """Print a link by which one person makes a first passkey, once. Hand it over, do not mail it."""
        _print_link(open_inboxes, settings(), org, role, LinkPurpose.PASSKEY)

    @app.command("list")
    def list_(
        org: Org = None, as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False
    ) -> None:
        """The passkeys that are in use: their ids, whose they are by account and role, when made and used."""
        found = _run(open_inboxes, settings(), org, lambda entry, of, _inboxes: entry.passkeys.listed(of))
        for line in passkey_lines(found, as_json=as_json):
            typer.echo(line)
        if not found and not as_json:
            typer.echo("Nobody has a passkey here; `handoff inbox passkey link` lets somebody make one.", err=True)

    @app.command("revoke")
    def revoke(
        passkey: Annotated[str, typer.Argument(metavar="KEY", help="key-…, as `passkey list` shows it.")],
        org: Org = None,
    ) -> None:
        """Take a passkey out of use; whoever it has signed in is signed out at once."""

        async def work(entry: "Entry[StaffRole]", of: OrgId, inboxes: Inboxes) -> bool:
            return await entry.passkeys.revoke(of, PasskeyId(passkey), await inboxes.of(of).now())

        if not _run(open_inboxes, settings(), org, work):
            typer.echo("No such passkey is in use; `handoff inbox passkey list` shows them.", err=True)
            raise typer.Exit(1)
        typer.echo("Out of use. Whoever it had signed in is signed out.")

    return app


def _print_link(
    open_inboxes: OpenInboxes, settings: Settings, org: str | None, role: StaffRole, purpose: LinkPurpose
) -> None:
    async def work(entry: "Entry[StaffRole]", of: OrgId, inboxes: Inboxes) -> str:
        return await entry.links.make(of, role, purpose, await inboxes.of(of).now())

    typer.echo(link_at(settings.inbox_origin, _run(open_inboxes, settings, org, work)))
    typer.echo(f"It works once, within {limits.sign_in_link_minutes} minutes.", err=True)


def _run(
    open_inboxes: OpenInboxes,
    settings: Settings,
    org: str | None,
    work: Callable[["Entry[StaffRole]", OrgId, Inboxes], Awaitable[Result]],
) -> Result:
    from adapters.inbox.web.entry import staff_entry  # libraries for passkeys and tokens, for whoever lets people in

    async def at_desk() -> Result:
        async with open_inboxes() as inboxes:
            entry = staff_entry(inboxes.pool, settings.inbox_origin, links_allowed=settings.inbox_links_allowed)
            return await work(entry, inboxes.of(org).provider.org, inboxes)

    return asyncio.run(at_desk())
