"""`handoff retention`: how long the trail is kept, and the erasure of a referral by two people in two roles."""

from typing import Annotated

import asyncpg
import typer

from broker.commands.audit import AsCsv, AsJson
from broker.commands.database import with_broker
from broker.commands.roles import By
from broker.commands.rows import form_of, printed
from broker.commands.trail import ACTOR
from broker.composition import pinned_policy_keys
from broker.domain.policy import PolicyPack
from broker.errors import SettingsInvalid
from broker.local.progress import counted
from broker.schemas.ids import OrgId
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.erasing import (
    SCRUBBED,
    ErasureBasis,
    approve_erasure,
    erase,
    listed_erasures,
    request_erasure,
)
from broker.store.policies import Packs, begin
from broker.store.questions import add_entry
from broker.store.retaining import retain, schedules, set_schedule
from broker.trail.entries import Step, entry, fresh_salt

app = typer.Typer(
    no_args_is_help=True,
    help="How long the trail is kept after a referral's end, and the erasure of a referral in two roles.",
)


@app.command()
def show(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """How many days after their end the trail of each organisation's referrals is kept, and by which rule."""

    async def ask(settings: Settings, connection: Connection) -> None:
        rows = await schedules(connection, await _pack(settings, connection))
        for line in printed([row._asdict() for row in rows], form_of(as_json, as_csv)):
            typer.echo(line)

    with_broker(ask)


@app.command("set")
def set_(
    org: Annotated[str, typer.Argument(help="Whose referrals: org-…")],
    days: Annotated[int, typer.Argument(help="So many days after their end.", min=1, max=3660)],
) -> None:
    """Note an organisation's own rule. The shorter one counts, its own or that of its class.

    A covered entity that wants its trail shorter than six years keeps what it must account for itself.
    """

    async def do(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            await set_schedule(connection, OrgId(org), days)
        typer.echo(f"{org}: {days} days, where its class has no shorter rule.")

    with_broker(do)


@app.command()
def run() -> None:
    """Do now what a clock does every hour: erase what has been kept long enough, and go on with erasures."""

    async def do(settings: Settings, connection: Connection) -> None:
        pack = await _pack(settings, connection)
        async with connection.transaction():
            found = await retain(connection, pack, settings.broker_org)
        async with connection.transaction():
            moved = await erase(connection, settings.broker_org)
        typer.echo(
            f"Kept long enough: {found.referrals} referrals, {found.texts} other entries, {found.consents} consents."
            f" {moved} erasures went a step further; the next one waits until the sequencer has sealed this one."
        )

    with_broker(do)


@app.command("erase")
def erase_(
    referral: Annotated[str, typer.Argument(help="The referral's id: ref-…")],
    basis: Annotated[ErasureBasis, typer.Option(help="What lets, or makes, you do it.")],
    by: By,
) -> None:
    """Ask for the erasure of a referral. Nothing is erased until somebody in another role approves it."""

    async def do(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            erasure = await request_erasure(connection, referral, basis, by)
        typer.echo(f"Asked for. Somebody else approves it: handoff retention approve {erasure} --by role:…")
        if next(line.waits_for for line in await listed_erasures(connection) if line.erasure_id == erasure):
            typer.echo(
                "An answer to a recall or a review is owed. Keys and ciphertexts go with the approval; the rest waits"
                " until it comes, or until two people close it: handoff unanswered list."
            )

    with_broker(do)


@app.command()
def approve(erasure: Annotated[str, typer.Argument(help="The erasure's id: ers-…")], by: By) -> None:
    """Approve an erasure that somebody in another role asked for. From then on it cannot be undone."""

    async def do(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            await approve_erasure(connection, erasure, by)
        typer.echo(
            "Approved. A clock announces it in the log and then deletes; `handoff retention list` tells how far."
        )

    with_broker(do)


@app.command("list")
def list_(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Every erasure: who asked, who approved, on which basis, and how many texts are gone."""

    async def ask(_settings: Settings, connection: Connection) -> None:
        lines = await listed_erasures(connection)
        for line in printed(lines, form_of(as_json, as_csv)):
            typer.echo(line)
        if not (lines or as_json or as_csv):
            typer.echo("Nothing was erased, and nothing waits for it.")

    with_broker(ask)


@app.command()
def scrub() -> None:
    """Write the tables' files anew, as their owner, so that no deleted row is left in them. Locks each for seconds.

    Deleted rows stay in the write-ahead log, in Kafka and in backups until those end: docs/trail.md, "Erasing".
    """

    async def do(settings: Settings, connection: Connection) -> None:
        if settings.postgres_owner_dsn is None:
            raise SettingsInvalid("HANDOFF_POSTGRES_OWNER_DSN is not set: only the tables' owner can do it.")
        owner = await asyncpg.connect(settings.postgres_owner_dsn.get_secret_value())
        try:
            with counted("Writing tables anew") as tell:
                for done, table in enumerate(SCRUBBED, start=1):
                    # The planner's samples are values, too: those of before go with the rows.
                    await owner.execute(f"ANALYZE {table}")
                    await owner.execute(f"VACUUM FULL {table}")
                    tell(done, len(SCRUBBED))
            await owner.execute("VACUUM FULL pg_catalog.pg_statistic")
        finally:
            await owner.close()
        facts = {"at": await connection.fetchval("SELECT now()"), "actor": ACTOR, "tables": SCRUBBED}
        await add_entry(connection, entry(Step.TABLES_SCRUBBED, None, facts, fresh_salt()))
        typer.echo("The tables' files hold no deleted row. See docs/trail.md for the write-ahead log and Kafka.")

    with_broker(do)


async def _pack(settings: Settings, connection: Connection) -> PolicyPack:
    """The policy pack in force: its regimes say whose trail is kept how long."""
    packs = Packs(lambda: pinned_policy_keys(settings))
    async with connection.transaction():
        reference = await begin(connection, fresh_salt())
        await packs.learn(connection, {reference})
    return packs[reference]
