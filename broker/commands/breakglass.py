"""`handoff breakglass`: open a referral in an emergency, approve and review that, and see how often it happens."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

from broker.agency.publishing import Published
from broker.client import AgencyClient
from broker.commands.agency import Org, client_of
from broker.commands.database import with_broker
from broker.commands.trail import ACTOR, Json
from broker.local.parts import attached
from broker.schemas.break_glass_vocabulary import (
    BreakGlassBasis,
    BreakGlassReason,
    ReviewOutcome,
    SubjectInformed,
    new_break_glass_id,
)
from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.ids import ReferralId
from broker.schemas.vocabulary import RecipientCategory
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection
from broker.store.glass import listed_glass
from broker.store.questions import note_reading

app = typer.Typer(no_args_is_help=True, help="Emergencies: open a referral to one provider, approve, review, count.")

Fact = TypeVar("Fact", BreakGlassInvoked, BreakGlassApproved, BreakGlassReviewed)
Referral = Annotated[str, typer.Argument(help="The referral's id: ref-…")]
Glass = Annotated[str, typer.Argument(help="The emergency's id: bgl-…")]
By = Annotated[str, typer.Option(help="Who does it, by your reference, never a name: wrk-7f21")]
Informed = Annotated[SubjectInformed, typer.Option(help="Whether the survivor knows of it.")]


@app.command()
def invoke(
    referral: Referral,
    recipient: Annotated[str, typer.Option(help="The one organisation that is let in.")],
    category: Annotated[RecipientCategory, typer.Option(help="For which kind of help.")],
    group: Annotated[list[str], typer.Option(help="A field group that it needs, such as FG03; repeat.")],
    reason: Annotated[BreakGlassReason, typer.Option(help="What the emergency is.")],
    by: By,
    narrative: Annotated[str, typer.Option(help="Where you keep what happened, in words: nar-…")],
    basis: Annotated[BreakGlassBasis, typer.Option(help="What lets you do it.")] = BreakGlassBasis.AGENCY_POLICY,
    hours: Annotated[float, typer.Option(help="For how long at most.", min=0.1, max=4)] = 2,
    informed: Informed = SubjectInformed.NOT_YET,
    org: Org = None,
) -> None:
    """Open a referral to one provider, at once, where nobody could ask the survivor.

    It stands in for asking her, never for her answer. The privacy officer is told. A second person must approve it
    within half an hour, and it is reviewed within three days; while a review is overdue you can open nothing more.
    """
    now = datetime.now(UTC)
    fact = _fact(
        BreakGlassInvoked,
        {
            "breakGlassId": new_break_glass_id(),
            "category": category,
            "recipient": recipient,
            "fieldGroups": group,
            "reason": reason,
            "basis": basis,
            "invokedBy": by,
            "narrativeRef": narrative,
            "invokedAt": now.isoformat(),
            "expiresAt": (now + timedelta(hours=hours)).isoformat(),
            "subjectInformed": informed,
        },
    )
    _said(org, lambda client: client.late.break_glass(ReferralId(referral), fact))
    typer.echo(f"{fact.break_glass_id} is open to {recipient} until {fact.expires_at:%H:%M} UTC")
    typer.echo(f"  → within half an hour, somebody else: handoff breakglass approve {referral} {fact.break_glass_id}")


@app.command()
def approve(referral: Referral, glass: Glass, by: By, org: Org = None) -> None:
    """Stand for an emergency that somebody else has invoked; without it the emergency ends, and is asked back."""
    fact = _fact(BreakGlassApproved, {"breakGlassId": glass, "approvedBy": by})
    _said(org, lambda client: client.publish(fact, subject=referral))
    typer.echo(f"{glass} is approved")


@app.command()
def review(
    referral: Referral,
    glass: Glass,
    by: By,
    outcome: Annotated[ReviewOutcome, typer.Option(help="What the review found.")],
    informed: Informed,
    org: Org = None,
) -> None:
    """Say what the review of an emergency found, by somebody who did not invoke it."""
    told = {"breakGlassId": glass, "reviewedBy": by, "outcome": outcome, "subjectInformed": informed}
    fact = _fact(BreakGlassReviewed, told)
    _said(org, lambda client: client.publish(fact, subject=referral))
    typer.echo(f"{glass} is reviewed: {outcome}")


@app.command("list")
def list_(
    weeks: Annotated[int, typer.Option(help="Of how many weeks.", min=1, max=520)] = 4, as_json: Json = False
) -> None:
    """The network's emergencies, newest first, with what is owed of each; then how many each source had, by week."""

    async def work(_settings: Settings, connection: Connection) -> None:
        found = await listed_glass(connection, weeks)
        await note_reading(connection, ACTOR, "breakglass list", (one["referral_id"] for one in found))
        for one in found:
            if as_json:
                typer.echo(json.dumps(one, default=str))
                continue
            owed = f"  {one['owed']} by {one['due_at']:%Y-%m-%d %H:%M}Z" if one["due_at"] else f"  {one['owed']}"
            typer.echo(
                f"{one['invoked_at']:%Y-%m-%d %H:%M}Z {one['break_glass_id']} {one['source']} → {one['recipient']}"
                f" {one['reason']} {one['referral_id']}{owed}"
            )
        if as_json:
            return
        rates: dict[tuple[str, str], int] = {}
        for one in found:
            week = f"{one['invoked_at'].isocalendar().year}-W{one['invoked_at'].isocalendar().week:02}"
            rates[(one["source"], week)] = rates.get((one["source"], week), 0) + 1
        for (source, week), count in sorted(rates.items()):
            typer.echo(f"{source:<28} {week}  {count}")
        if not found:
            typer.echo("None in this time.")

    with_broker(work)


def _fact(kind: type[Fact], wire: Mapping[str, object]) -> Fact:
    return kind.read(json.dumps(dict(wire)).encode())


def _said(org: str | None, say: Callable[[AgencyClient], Awaitable[Published]]) -> None:
    """Publish, and wait for the broker's answer."""

    async def run() -> None:
        settings = attached(load_settings(), "kafka_bootstrap")
        async with client_of(settings, org) as client:
            await client.accepted(await say(client))

    asyncio.run(run())
