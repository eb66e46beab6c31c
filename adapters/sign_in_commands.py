"""`handoff inbox sign-in-link`: a link by which one person signs in at the pages once, within minutes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from adapters.inbox.inboxes import Inboxes
from adapters.inbox.web.sessions import Sessions, StaffRole
from broker import limits


def sign_in_link_command(
    open_inboxes: Callable[[], AbstractAsyncContextManager[Inboxes]], pages_origin: Callable[[], str]
) -> Callable[..., None]:
    """The command, on the inboxes that `open_inboxes` opens and whose pages are at an origin."""

    def sign_in_link(
        role: Annotated[StaffRole, typer.Option("--role", case_sensitive=False, help="What whoever signs in may do.")],
        org: Annotated[str | None, typer.Option("--org", help="Which organisation, where several are here.")] = None,
    ) -> None:
        """Print a link by which one person signs in at the pages once. Hand it over, do not mail it."""
        origin = pages_origin()

        async def made() -> str:
            async with open_inboxes() as inboxes:
                inbox = inboxes.of(org)
                return await Sessions(inboxes.pool).link(inbox.provider.org, role, await inbox.now())

        typer.echo(f"{origin}/sign-in/{asyncio.run(made())}")
        typer.echo(f"It works once, within {limits.sign_in_link_minutes} minutes.", err=True)

    return sign_in_link
