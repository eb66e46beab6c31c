"""`handoff work`: what waits for a human, and the steps that a human can take: claim, release, assign, resolve."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from broker.commands.database import with_broker
from broker.commands.roles import By, role
from broker.commands.trail import ACTOR, Json
from broker.domain.work_list import Resolution, UnmetReason
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store import work as store
from broker.store.work import WorkLine

app = typer.Typer(no_args_is_help=True, help="What waits for a human: list, show, claim, release, assign, resolve.")

WorkId = Annotated[str, typer.Argument(help="The id at the end of its line in `work list`.")]
Override = Annotated[bool, typer.Option(help="Although somebody else has claimed it; the trail says so.")]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """What waits for a human, the most urgent first, with its age, its owner, who is at it. Reading is an entry."""

    async def ask(_settings: Settings, connection: Connection) -> None:
        lines = await store.read_list(connection, ACTOR)
        for line in lines:
            typer.echo(json.dumps(asdict(line), default=_text) if as_json else _told(line))
        if not lines and not as_json:
            typer.echo("Nothing waits for a human.")

    with_broker(ask)


@app.command()
def show(work_id: WorkId, as_json: Json = False) -> None:
    """One item: where its need stands, what happens next by itself, and what can be decided."""

    async def ask(_settings: Settings, connection: Connection) -> None:
        line = await store.read_one(connection, work_id, ACTOR)
        if as_json:
            typer.echo(json.dumps(asdict(line), default=_text))
            return
        typer.echo(_told(line))
        for told in _details(line):
            typer.echo(told)

    with_broker(ask)


@app.command()
def claim(work_id: WorkId, by: By = ACTOR, override: Override = False) -> None:
    """Take an item for ten minutes, so that nobody else works on it meanwhile. Claim it again for ten more."""

    async def do(_settings: Settings, connection: Connection) -> None:
        until = await store.claim(connection, work_id, by, override=override)
        typer.echo(f"{by} has it until {until.astimezone(UTC):%H:%M} UTC")

    with_broker(do)


@app.command()
def release(work_id: WorkId, by: By = ACTOR, override: Override = False) -> None:
    """Give an item back; where it had been assigned, its need is escalated by itself again."""

    async def do(_settings: Settings, connection: Connection) -> None:
        await store.release(connection, work_id, by, override=override)
        typer.echo("Released.")

    with_broker(do)


@app.command()
def assign(
    work_id: WorkId,
    to: Annotated[str, typer.Option(help="A role or a desk, never a name: role:manager.", callback=role)],
    by: By = ACTOR,
    override: Override = False,
) -> None:
    """Give an item to a role or a desk: nobody is reminded or asked by itself until it is released or resolved."""

    async def do(_settings: Settings, connection: Connection) -> None:
        await store.assign(connection, work_id, to, by, override=override)
        typer.echo(f"{to} has it; until it is resolved or released, only the referral's own end comes by itself.")

    with_broker(do)


@app.command()
def resolve(
    work_id: WorkId,
    resolution: Annotated[Resolution, typer.Option("--as", help="What was decided.")] = Resolution.HANDLED,
    unmet: Annotated[UnmetReason | None, typer.Option(help="With CLOSE_UNMET: why the need stays unmet.")] = None,
    by: By = ACTOR,
    override: Override = False,
) -> None:
    """Say what was decided, and have it done: ask the network again, or close the need as unmet.

    HANDLED changes nothing about the need: somebody has taken care of what the item was about. Of CLOCK_HELD it says
    that the database's clock is right, and deadlines are worked again.
    """
    if (resolution is Resolution.CLOSE_UNMET) != (unmet is not None):
        raise typer.BadParameter("--as CLOSE_UNMET needs --unmet, and nothing else has it.")

    async def do(_settings: Settings, connection: Connection) -> None:
        await store.resolve(connection, work_id, by, resolution, unmet, override=override)
        typer.echo("Resolved.")

    with_broker(do)


def _told(line: WorkLine) -> str:
    who = line.assigned_to or line.claimed_by
    at_it = f"  with {who}" if who else ""
    alarm = "  TOO OLD" if line.aged else ""
    return (
        f"{line.priority}  {age(line.age_seconds):>8}  {line.reason:<18} {line.category:<11} {line.referral_id}"
        f"  owner {line.owner}{at_it}{alarm}  ({line.work_id})"
    )


def _details(line: WorkLine) -> Iterator[str]:
    yield f"  raised {line.raised_at:%Y-%m-%d %H:%M:%S}Z"
    if line.need_state is not None:
        then = "nothing more happens by itself"
        if line.next_action is not None and line.due_at is not None:
            then = f"next {line.next_action} at {line.due_at:%Y-%m-%d %H:%M:%S}Z"
        yield f"  the need is {line.need_state}; {then}"
        yield f"  → its story: handoff trail show {line.referral_id}"
    if line.claimed_by is not None:
        yield f"  claimed by {line.claimed_by} until {line.claimed_until:%H:%M} UTC"
    yield f"  → handoff work resolve {line.work_id} --as {'|'.join(store.decidable(line.need_state))}"


def age(seconds: int) -> str:
    """An age in the unit that a person would say it in."""
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} days"


def _text(moment: datetime) -> str:
    return moment.isoformat()
