"""`handoff delivery`: what is on its way or did not arrive, by number and code; sent again or stopped by a person."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from adapters.channels import Transports
from adapters.commands import AsJson, By, OpenInboxes, Org
from adapters.delivery_desk import DeliveryDesk, ReplayReason, Shown, StopReason
from adapters.errors import DeliveryNotFound, ReplayRefused
from adapters.inbox.panels import columns
from adapters.words import moment, plain, span
from broker import limits
from broker.schemas.event import TYPE_PREFIX
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import DeliveryState

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="As `handoff delivery list` shows it.")]
Run = Callable[[str | None, Callable[[DeliveryDesk], Awaitable[None]]], None]


def delivery_app(open_inboxes: OpenInboxes, transports: Callable[[], Transports]) -> typer.Typer:
    """The `handoff delivery` command group on the installation that `open_inboxes` opens."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, help="See what is on its way, send it again, stop it."
    )

    def run(org: str | None, work: Callable[[DeliveryDesk], Awaitable[None]]) -> None:
        async def at_desk() -> None:
            async with open_inboxes() as inboxes:
                await work(DeliveryDesk(inboxes.pool, inboxes.of(org).provider, transports(), inboxes.environment))

        asyncio.run(at_desk())

    _reading(app, run)
    _acting(app, run)
    return app


def _reading(app: typer.Typer, run: Run) -> None:
    @app.command("list")
    def list_deliveries(
        state: Annotated[
            list[DeliveryState] | None,
            typer.Option("--state", case_sensitive=False, help="In this state; again for another."),
        ] = None,
        org: Org = None,
        as_json: AsJson = False,
    ) -> None:
        """The latest deliveries: number, reference, what, where each stands, by which channel, how often, why."""

        async def work(desk: DeliveryDesk) -> None:
            found = await desk.deliveries(state)
            if as_json:
                typer.echo(json.dumps([_as_json(row) for row in found], indent=2))
            else:
                for line in columns([_listed(row) for row in found]):
                    typer.echo(line)
            if not found and not as_json:
                typer.echo("Nothing is or was on its way.")
            if len(found) == limits.delivery_listed_max and (number := await desk.number(state)) > len(found):
                typer.echo(f"These are the latest {len(found)} of {number}; `--state` narrows the list.", err=True)

        run(org, work)

    @app.command("show")
    def show(number: Number, org: Org = None, as_json: AsJson = False) -> None:
        """One delivery with every attempt, and what people did to it."""

        async def work(desk: DeliveryDesk) -> None:
            shown = await desk.show(number)
            if as_json:
                typer.echo(json.dumps(_shown_json(shown), indent=2))
                return
            typer.echo("  ".join(part for part in _listed(shown.delivery) if part))
            for line in columns([_attempt(row) for row in shown.attempts]):
                typer.echo(f"  {line}")
            for act in shown.acts:
                typer.echo(f"  {moment(act['at'])}  {act['act'].lower()} by {act['by'].lower()}: {act['reason']}")

        run(org, work)


def _acting(app: typer.Typer, run: Run) -> None:
    @app.command("replay")
    def replay(
        reason: Annotated[ReplayReason, typer.Option("--reason", case_sensitive=False, help="Why, by code.")],
        numbers: Annotated[list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Which.")] = None,
        everything: Annotated[
            bool, typer.Option("--all-dead", help="All that could not be handed over, instead of numbers.")
        ] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say what would be sent again; change nothing.")
        ] = False,
        org: Org = None,
        by: By = AcceptedBy.STAFF,
    ) -> None:
        """Send again what has ended, under the same id, if the gate lets it through now. This is written down."""
        if bool(numbers) == everything:
            raise typer.BadParameter("Name deliveries by number, or give --all-dead.")

        async def work(desk: DeliveryDesk) -> None:
            act = _Replay(desk, reason, by, dry_run)
            if everything:
                await act.all_dead()
            elif numbers is not None and len(numbers) == 1:
                await act.one(numbers[0])
            else:
                await act.each(numbers or ())
            typer.echo(f"{act.chosen - act.refused} of {act.chosen} {act.word} again.")

        run(org, work)

    @app.command("stop")
    def stop(
        number: Number,
        reason: Annotated[StopReason, typer.Option("--reason", case_sensitive=False, help="Why, by code.")],
        org: Org = None,
        by: By = AcceptedBy.STAFF,
    ) -> None:
        """Try a delivery no more; the network hears of it and goes on at once. This is written down.

        TOLD_BY_PHONE says that somebody here knows of it: an offer counts as seen and stays. By any other reason it
        has not come: an open offer goes to somebody else, and what was released to you comes before a human.
        """

        async def work(desk: DeliveryDesk) -> None:
            await desk.stop(number, reason, by)
            typer.echo(f"{number} is not tried any more.")

        run(org, work)


@dataclass(slots=True)
class _Replay:
    """One person's having deliveries sent again, and what came of it so far."""

    desk: DeliveryDesk
    reason: ReplayReason
    by: AcceptedBy
    dry_run: bool
    chosen: int = 0
    refused: int = 0

    @property
    def word(self) -> str:
        """What happens to them."""
        return "would be sent" if self.dry_run else "are sent"

    async def one(self, number: int) -> None:
        """This one; raises what refuses it."""
        self.chosen += 1
        await self.desk.replay(number, self.reason, self.by, dry_run=self.dry_run)

    async def each(self, numbers: Sequence[int]) -> None:
        """One after another; what is refused is told with its explanation, and does not hold up the others."""
        for number in numbers:
            try:
                await self.one(number)
            except (ReplayRefused, DeliveryNotFound) as error:
                self.refused += 1
                typer.echo(f"{number}: {error}", err=True)

    async def all_dead(self) -> None:
        """All that could not be handed over by now and can still be sent, portion by portion."""
        found = await self.desk.dead()
        async for numbers in self.desk.dead_letters(found.last):
            await self.each(numbers)
            if self.chosen < found.dead:
                typer.echo(f"{self.chosen} of {found.dead} looked at …", err=True)
        if found.forgotten:
            hours = limits.dead_letter_hours
            typer.echo(f"{found.forgotten} ended more than {hours} hours ago and cannot be sent again.", err=True)


def _listed(row: Mapping[str, Any]) -> tuple[str, ...]:
    due = f"next {moment(row['due_at'])}" if row["due_at"] is not None else ""
    return (
        str(row["delivery_id"]),
        row["reference"],
        row["type"].removeprefix(TYPE_PREFIX).rpartition(".")[0],
        plain(DeliveryState(row["state"])),
        f"{row['place']} {row['transport'] or ''}".strip(),
        f"{row['attempts']} attempts",
        row["code"] or "",
        due or _dead(row),
    )


def _dead(row: Mapping[str, Any]) -> str:
    """Of what could not be handed over: since when, who owns it, and when it can be sent again no more."""
    if row["state"] != DeliveryState.DEAD_LETTERED:
        return ""
    waited = row["now"] - row["ended_at"]
    left = timedelta(hours=limits.dead_letter_hours) - waited
    owned = f"for {span(waited)}, with {row['owner']}"
    if left <= timedelta(0):
        return f"{owned}: FORGOTTEN"
    return f"{owned}: GONE IN {span(left)}" if left <= timedelta(hours=limits.dead_letter_warning_hours) else owned


def _attempt(row: Mapping[str, Any]) -> tuple[str, ...]:
    where = f"{row['place']} {row['transport']}".strip()
    return str(row["number"]), moment(row["began_at"]), where, row["outcome"], row["code"], f"{row['duration_ms']} ms"


def _shown_json(shown: Shown) -> dict[str, Any]:
    return _as_json(shown.delivery) | {
        "attempts": [_plain_json(row, "delivery_id") for row in shown.attempts],
        "acts": [_plain_json(row, "delivery_id", "act_id") for row in shown.acts],
    }


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return _plain_json(row, "org_id", "fact", "leased_until", "receipt_due", "tries", "now")


def _plain_json(row: Mapping[str, Any], *without: str) -> dict[str, Any]:
    shown = ((name, value) for name, value in row.items() if name not in without)
    return {_camel(name): value.isoformat() if isinstance(value, datetime) else value for name, value in shown}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)
