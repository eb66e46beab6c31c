"""`handoff org`: onboard organisations, list them, and write the directory that agencies' clients read."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.commands.database import with_broker
from broker.composition import kafka_of, operator_keys, signed_network_directory, topics_of
from broker.limits import key_overlap_days
from broker.onboarding import kept, onboard_organisation
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.profile import Profile, Weekday
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.seal.cards import read_card
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.directory import OrganisationCard, listed, suspend
from broker.store.keys import revoke_key, rotate_key
from broker.trail.entries import fresh_salt

app = typer.Typer(no_args_is_help=True, help="Onboard organisations, list them, export the directory for clients.")

DAYS_DEFAULT = 365

Holidays = Annotated[str | None, typer.Option("--holidays", help="Whose public holidays it keeps, e.g. US-CA.")]
TimeZone = Annotated[str | None, typer.Option("--time-zone", help="Where its clocks are, e.g. America/Los_Angeles.")]
ClosedOn = Annotated[
    list[Weekday] | None,
    typer.Option("--closed-on", help="A weekday on which nobody works; repeat. SAT and SUN where none is."),
]


@app.command()
def add(
    org: Annotated[str, typer.Argument(help="Its id, such as org-shelter-birch.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    org_class: Annotated[OrgClass, typer.Option("--class", help="What it is in the law's terms.")],
    category: Annotated[RecipientCategory | None, typer.Option(help="For a provider: which kind.")] = None,
    service: Annotated[list[Service] | None, typer.Option(help="For a provider: a service it gives; repeat.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Where it serves, e.g. US-CA; none means anywhere.")] = None,
    card: Annotated[list[Path] | None, typer.Option(help="A key card of it (`handoff keys card`); repeat.")] = None,
    days: Annotated[int, typer.Option(help="For how long its agreement runs.", min=1, max=3660)] = DAYS_DEFAULT,
    household_max: Annotated[int | None, typer.Option(help="For a shelter: the largest household.", min=1)] = None,
    pets: Annotated[bool, typer.Option(help="For a shelter: takes pets.")] = True,
    holidays: Holidays = None,
    time_zone: TimeZone = None,
    closed_on: ClosedOn = None,
) -> None:
    """Onboard an organisation, or change it: its class, keys, topics and agreement. Running processes notice.

    Deadlines in business days are counted on a provider's own calendar, from the next deadline on.
    """
    onboarded = OrganisationCard(
        org_id=OrgId(org),
        name=name,
        org_class=org_class,
        category=category,
        profile=Profile(
            services=tuple(service or ()),
            areas=tuple(area or ()),
            household_max=household_max,
            accepts_pets=pets,
            holidays=holidays,
            time_zone=time_zone,
            closed_on=tuple(closed_on or ()),
        ),
        agreement_until=datetime.now(UTC) + timedelta(days=days),
    )
    keys = [read_card(path.read_bytes()) for path in card or ()]

    async def work(settings: Settings, connection: Connection) -> None:
        kafka, topics = kafka_of(settings), topics_of(settings)
        names = await onboard_organisation(connection, kafka, topics, onboarded, keys, kept(settings))
        typer.echo(f"{org} is onboarded until {onboarded.agreement_until:%Y-%m-%d}; topics: {', '.join(names)}")

    with_broker(work)


@app.command("host")
def host_(
    org: Annotated[str, typer.Argument(help="Its id, such as org-my-agency.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    org_class: Annotated[OrgClass, typer.Option("--class", help="What it is in the law's terms.")],
    category: Annotated[RecipientCategory | None, typer.Option(help="For a provider: which kind.")] = None,
    service: Annotated[list[Service] | None, typer.Option(help="For a provider: a service it gives; repeat.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Where it serves, e.g. US-CA; none means anywhere.")] = None,
    holidays: Holidays = None,
    time_zone: TimeZone = None,
    closed_on: ClosedOn = None,
) -> None:
    """Onboard an organisation whose zone is on this machine: its keys, its folder and the directory are made too."""
    from broker.app import hand_out_directory, host  # brings opening keys along, which other commands never need

    hosted = OrganisationCard(
        org_id=OrgId(org),
        name=name,
        org_class=org_class,
        category=category,
        profile=Profile(
            services=tuple(service or ()),
            areas=tuple(area or ()),
            holidays=holidays,
            time_zone=time_zone,
            closed_on=tuple(closed_on or ()),
        ),
        agreement_until=datetime.now(UTC) + timedelta(days=DAYS_DEFAULT),
    )

    async def work(settings: Settings, connection: Connection) -> None:
        await host(settings, connection, hosted)
        await hand_out_directory(settings, connection)
        typer.echo(f"{org} is onboarded; its zone is {settings.home / 'zones' / org}")

    with_broker(work)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """The network's organisations."""

    async def work(_settings: Settings, connection: Connection) -> None:
        rows = await listed(connection)
        if as_json:
            typer.echo(json.dumps(rows, default=_text, indent=2))
            return
        for row in rows:
            keys = len(row["keys"])
            until = f"{row['agreement_until']:%Y-%m-%d}"
            state = "suspended" if row["suspended"] else f"until {until}"
            typer.echo(f"{row['org_id']:<28} {row['org_class']:<20} {row['category'] or '-':<11} {keys} keys  {state}")

    with_broker(work)


@app.command("suspend")
def suspend_(org: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Let an organisation neither publish nor receive from now on, until it is added again."""

    async def work(_settings: Settings, connection: Connection) -> None:
        if not await suspend(connection, OrgId(org), fresh_salt()):
            typer.echo(f"{org} is not onboarded", err=True)
            raise typer.Exit(1)
        typer.echo(f"{org} is suspended")

    with_broker(work)


@app.command("rotate-key")
def rotate_key_(
    card: Annotated[Path, typer.Argument(help="The card of its newer key (`handoff keys card`).")],
    overlap_days: Annotated[
        int, typer.Option(help="For how long the older ones of its kind stay valid beside it.", min=1, max=90)
    ] = key_overlap_days,
) -> None:
    """Register an organisation's newer key: it is used from now on, the older ones end after the overlap."""
    newer = read_card(card.read_bytes())

    async def work(settings: Settings, connection: Connection) -> None:
        ending = await rotate_key(connection, newer, timedelta(days=overlap_days))
        typer.echo(f"{newer.key_id} is registered; ending in {overlap_days} days: {', '.join(ending) or 'none'}")
        await _hand_out(settings, connection)

    with_broker(work)


@app.command("revoke-key")
def revoke_key_(key_id: Annotated[str, typer.Argument(help="org-haven#sealing-2026-01")]) -> None:
    """Revoke a stolen or lost key at once: nothing is accepted, wrapped or handed on for it any more.

    What is still on its way is wrapped anew by its source (`handoff agent`), for another key of the organisation. What
    was handed over before is listed, and is on the work list until somebody has told the source.
    """

    async def work(settings: Settings, connection: Connection) -> None:
        done = await revoke_key(connection, KeyId(key_id))
        if done is None:
            typer.echo(f"{key_id} is not registered, or revoked already", err=True)
            raise typer.Exit(1)
        typer.echo(f"{key_id} is revoked; {done.destroyed} wrapped keys destroyed")
        typer.echo(f"Asked anew for wrapped keys: {len(done.asked_anew)} referrals")
        for one in done.exposed:
            typer.echo(f"Tell {one.source}: {one.referral_id} {one.category}, handed over: {', '.join(one.groups)}")
        await _hand_out(settings, connection)

    with_broker(work)


async def _hand_out(settings: Settings, connection: Connection) -> None:
    """The directory into the zones of this machine, where the operator's key is here; who else must get it, is told."""
    if operator_keys(settings).is_dir():
        from broker.app import hand_out_directory  # brings opening keys along, which other commands never need

        await hand_out_directory(settings, connection)
    typer.echo("Agencies on other machines need the directory anew: handoff org export")


@app.command()
def export(
    to: Annotated[Path, typer.Argument(help="The file to write, usually <zone>/directory.signed.")],
    keys: Annotated[
        Path | None, typer.Option("--operator-keys", help="The operator's keys; <zones>/<operator>/operator-keys.")
    ] = None,
) -> None:
    """Write the directory that clients need, signed: who is in the network, and everybody's public keys.

    Hand it out anew whenever somebody joins, changes or loses a key. The operator's key is made once, by
    `handoff keys new --kind directory`, and its card is what agencies pin.
    """

    async def work(settings: Settings, connection: Connection) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(await signed_network_directory(settings, connection, keys or operator_keys(settings)))
        typer.echo(f"wrote {to}")

    with_broker(work)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{len(value)} bytes"
