"""`handoff inbox retention`: how long a provider keeps the codes of ended offers, and what has gone by that."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Final

import typer

from adapters.inbox.inbox import Inbox
from adapters.keeping import Erased, Schedule
from adapters.words import moment

Run = Callable[[str | None, Callable[[Inbox], Awaitable[None]]], None]
Org = Annotated[str | None, typer.Option("--org", help="Which organisation, where this installation serves several.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]

_RULES: Final = {
    "OWN": "your own rule",
    "VICTIM_SERVICES": "victim service providers",
    "HIPAA": "covered entities, who account for disclosures six years back",
    "OTHERS": "everybody else",
}
_UNKNOWN: Final = (
    "Nothing goes by a schedule: what this organisation is has not been said. Write its class into provider.json,"
    ' such as "orgClass": "VSP_SHELTER", or set a rule: handoff inbox retention set DAYS'
)


def retention_app(run: Run) -> typer.Typer:
    """The `handoff inbox retention` command group; `run` opens an inbox for the length of one command."""
    app = typer.Typer(no_args_is_help=True, help="How long the codes of ended offers are kept here, and what has gone.")

    @app.command("show")
    def show(org: Org = None, as_json: AsJson = False) -> None:
        """How many days after an offer's end its codes are kept, and by which rule."""

        async def work(inbox: Inbox) -> None:
            kept = await inbox.keeping.schedule()
            if as_json:
                typer.echo(json.dumps(None if kept is None else asdict(kept)))
            else:
                typer.echo(_UNKNOWN if kept is None else _told(kept))

        run(org, work)

    @app.command("set")
    def set_(
        days: Annotated[int, typer.Argument(help="So many days after an offer's end.", min=1, max=3660)],
        org: Org = None,
    ) -> None:
        """Note your own rule. The shorter one counts, yours or that of your class.

        A covered entity that keeps less than six years keeps elsewhere what it must account for.
        """

        async def work(inbox: Inbox) -> None:
            await inbox.keeping.set_rule(days)
            kept = await inbox.keeping.schedule()
            assert kept is not None
            typer.echo(_told(kept))

        run(org, work)

    _erasing(app, run)
    return app


def _erasing(app: typer.Typer, run: Run) -> None:
    @app.command("run")
    def run_now(org: Org = None) -> None:
        """Do now what `handoff serve adapter` does every hour: erase the codes that were kept long enough."""

        async def work(inbox: Inbox) -> None:
            if await inbox.keeping.schedule() is None:
                typer.echo(_UNKNOWN)
                return
            gone = 0
            while found := await inbox.keeping.erase():
                gone += found
            typer.echo(f"Gone: the codes of {gone} offers. `handoff inbox retention list` tells what went when.")

        run(org, work)

    @app.command("list")
    def list_(org: Org = None, as_json: AsJson = False) -> None:
        """What has gone: when, by which rule, of how many offers. Which offers they were is not kept."""

        async def work(inbox: Inbox) -> None:
            erased = await inbox.keeping.erased()
            if as_json:
                typer.echo(json.dumps([asdict(one) for one in erased], default=str, indent=2))
                return
            for one in erased:
                typer.echo(_line(one))
            if not erased:
                typer.echo("Nothing has gone yet.")

        run(org, work)


def _told(kept: Schedule) -> str:
    return f"Codes of ended offers are kept for {kept.days} days ({kept.rule}: {_RULES[kept.rule]})."


def _line(one: Erased) -> str:
    gone = f"{one.offers} offers, {one.answers} answers, {one.readings} notes of who read, {one.attempts} attempts"
    return f"{moment(one.erased_at)}  {one.rule}, {one.days} days  {gone}"
