"""`handoff org`: onboard organisations, list them, and write the directory that agencies' clients read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.composition import broker_pool, kafka_of, operator_keys, signed_network_directory, topics_of
from broker.local.parts import attached
from broker.onboarding import onboard_organisation
from broker.schemas.ids import OrgId
from broker.schemas.profile import Profile
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.seal.cards import read_card
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection
from broker.store.directory import OrganisationCard, listed, suspend
from broker.trail.entries import fresh_salt

app = typer.Typer(no_args_is_help=True, help="Onboard organisations, list them, export the directory for clients.")

DAYS_DEFAULT = 365


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
) -> None:
    """Onboard an organisation, or change it: its class, keys, topics and agreement. Running processes notice."""
    onboarded = OrganisationCard(
        org_id=OrgId(org),
        name=name,
        org_class=org_class,
        category=category,
        profile=Profile(
            services=tuple(service or ()), areas=tuple(area or ()), household_max=household_max, accepts_pets=pets
        ),
        agreement_until=datetime.now(UTC) + timedelta(days=days),
    )
    keys = [read_card(path.read_bytes()) for path in card or ()]

    async def work(settings: Settings, connection: Connection) -> None:
        known = [(key.key_id, key.kind.value, key.public) for key in keys]
        topics = await onboard_organisation(connection, kafka_of(settings), topics_of(settings), onboarded, known)
        typer.echo(f"{org} is onboarded until {onboarded.agreement_until:%Y-%m-%d}; topics: {', '.join(topics)}")

    _with_broker(work)


@app.command("host")
def host_(
    org: Annotated[str, typer.Argument(help="Its id, such as org-my-agency.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    org_class: Annotated[OrgClass, typer.Option("--class", help="What it is in the law's terms.")],
    category: Annotated[RecipientCategory | None, typer.Option(help="For a provider: which kind.")] = None,
    service: Annotated[list[Service] | None, typer.Option(help="For a provider: a service it gives; repeat.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Where it serves, e.g. US-CA; none means anywhere.")] = None,
) -> None:
    """Onboard an organisation whose zone is on this machine: its keys, its folder and the directory are made too."""
    from broker.app import hand_out_directory, host  # brings opening keys along, which other commands never need

    hosted = OrganisationCard(
        org_id=OrgId(org),
        name=name,
        org_class=org_class,
        category=category,
        profile=Profile(services=tuple(service or ()), areas=tuple(area or ())),
        agreement_until=datetime.now(UTC) + timedelta(days=DAYS_DEFAULT),
    )

    async def work(settings: Settings, connection: Connection) -> None:
        await host(settings, connection, hosted)
        await hand_out_directory(settings, connection)
        typer.echo(f"{org} is onboarded; its zone is {settings.home / 'zones' / org}")

    _with_broker(work)


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

    _with_broker(work)


@app.command("suspend")
def suspend_(org: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Let an organisation neither publish nor receive from now on, until it is added again."""

    async def work(_settings: Settings, connection: Connection) -> None:
        if not await suspend(connection, OrgId(org), fresh_salt()):
            typer.echo(f"{org} is not onboarded", err=True)
            raise typer.Exit(1)
        typer.echo(f"{org} is suspended")

    _with_broker(work)


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

    _with_broker(work)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else f"{len(value)} bytes"


def _with_broker(work: Callable[[Settings, Connection], Awaitable[None]]) -> None:
    async def run() -> None:
        settings = attached(load_settings())
        async with broker_pool(settings) as pool, pool.acquire() as connection:
            await work(settings, connection)

    asyncio.run(run())
