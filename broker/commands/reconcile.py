"""`handoff trail reconcile`: do the tables say what the trail says? Exits 0 where they do, 1 where they differ."""

import json
from typing import Annotated, Final

import typer

from broker.commands.database import with_broker
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.questions import note_reading
from broker.store.reconciling import differences

ACTOR: Final = "role:operator"
_SHOWN_MAX: Final = 50


def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per difference, for programs.")] = False,
) -> None:
    """Rebuild from the trail alone what the tables must say, and compare: where needs and offers stand, who was asked,
    what was handed over and asked back, which consents are in force."""

    async def work(_: Settings, connection: Connection) -> None:
        compared, found = await differences(connection)
        await note_reading(connection, ACTOR, "trail reconcile", (one.referral_id for one in found if one.referral_id))
        for one in found if as_json else found[:_SHOWN_MAX]:
            if as_json:
                typer.echo(json.dumps(one._asdict()))
            else:
                table, trail = one.table or "nothing", one.trail or "nothing"
                typer.echo(f"{' '.join(filter(None, one[:3]))}: the table says {table}, the trail {trail}")
        if not as_json:
            typer.echo(f"{compared} needs and offers compared, {len(found)} differences.")
        raise typer.Exit(int(bool(found)))

    with_broker(work)
