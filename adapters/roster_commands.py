"""`handoff inbox roster`: who is on call at a provider, at which number, from when until when."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from adapters.inbox.inbox import Inbox
from adapters.inbox.roster import Turn
from adapters.words import moment, plain
from broker.look.zone import NoSuchHour, by_clocks, house_zone
from broker.schemas.offer_accepted import AcceptedBy

Run = Callable[[str | None, Callable[[Inbox], Awaitable[None]]], None]

_FORMS: Final = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
_HOW: Final = "by this house's clocks (2026-11-30T09:00), or in UTC (2026-11-30T17:00Z)."
Org = Annotated[str | None, typer.Option("--org", help="Which organisation, where this installation serves several.")]
Role = Annotated[AcceptedBy, typer.Argument(case_sensitive=False, help="The role or desk; never a name.")]


def _written(text: str) -> datetime:
    """A time as it was written: UTC where a Z says so, else without a zone."""
    for form in _FORMS:
        try:
            found = datetime.strptime(text.removesuffix("Z"), form)  # noqa: DTZ007  its zone is the house's
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if text.endswith("Z") else found
    raise typer.BadParameter("Write 2026-11-30T09:00, or in UTC 2026-11-30T17:00Z.")


From = Annotated[
    datetime, typer.Option("--from", metavar="TIME", parser=_written, help=f"When the turn begins, {_HOW}")
]
Until = Annotated[datetime, typer.Option("--until", metavar="TIME", parser=_written, help=f"When it is over, {_HOW}")]


def roster_app(run: Run) -> typer.Typer:
    """The `handoff inbox roster` command group; `run` opens an inbox for the length of one command."""
    app = typer.Typer(no_args_is_help=True, help="Who is on call here. It never leaves your zone.")

    @app.command("list")
    def list_(
        org: Org = None, as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False
    ) -> None:
        """The turns that are not over, in their order, and whose turn it is now."""

        async def work(inbox: Inbox) -> None:
            now = await inbox.now()
            turns = await inbox.roster.coming(now)
            for turn in turns:
                typer.echo(json.dumps(turn.model_dump(mode="json", by_alias=True)) if as_json else _line(turn, now))
            if not as_json and not any(turn.starts_at <= now for turn in turns):
                typer.echo("NOBODY IS ON CALL NOW.", err=True)

        run(org, work)

    @app.command("set")
    def set_(
        role: Role,
        starts_at: From,
        ends_at: Until,
        number: Annotated[str, typer.Option("--number", help="The number, such as +15555550100.")],
        org: Org = None,
    ) -> None:
        """Write a turn down; one of the same role and beginning is replaced."""

        async def work(inbox: Inbox) -> None:
            turn = _turn(role, _at(starts_at), _at(ends_at), number)
            await inbox.roster.set(turn)
            typer.echo(f"{plain(turn.role)}: from {moment(turn.starts_at)} until {moment(turn.ends_at)}.")

        run(org, work)

    @app.command("clear")
    def clear(role: Role, starts_at: From, org: Org = None) -> None:
        """Strike a turn out."""

        async def work(inbox: Inbox) -> None:
            if not await inbox.roster.clear(role, _at(starts_at)):
                typer.echo("No such turn; `handoff inbox roster list` shows them.", err=True)
                raise typer.Exit(1)
            typer.echo("Struck out.")

        run(org, work)

    return app


def _at(written: datetime) -> datetime:
    """The moment that was meant, UTC."""
    try:
        return written if written.tzinfo is not None else by_clocks(written, house_zone())
    except NoSuchHour:
        raise typer.BadParameter("There is no such hour here: the clocks go forward and skip it.") from None


def _turn(role: AcceptedBy, starts_at: datetime, ends_at: datetime, number: str) -> Turn:
    if ends_at <= starts_at:
        raise typer.BadParameter("A turn ends after it has begun.")
    try:
        return Turn(role=role, starts_at=starts_at, ends_at=ends_at, number=number)
    except ValidationError:
        raise typer.BadParameter("Write the number with its country, such as +15555550100.") from None


def _line(turn: Turn, now: datetime) -> str:
    here = "  NOW" if turn.starts_at <= now else ""
    return f"{plain(turn.role):<11} {turn.number:<16} {moment(turn.starts_at)} to {moment(turn.ends_at)}{here}"
