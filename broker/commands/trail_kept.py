"""`handoff trail watch` and `prove`: an agency sees for itself that the log only grows, and has its own events.

They ask the broker's door (HANDOFF_BROKER_URL) and keep what they see in the agency's zone, `<zone>/log`.
"""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from broker.agency.kept_log import KeptLog
from broker.agency.log_door import LogDoor
from broker.commands.agency import Org, agency_of
from broker.errors import SettingsInvalid
from broker.schemas.ids import EventId
from broker.seal.keys import load_signing_key
from broker.settings import load_settings
from broker.zone import KEYS_FOLDER

Url = Annotated[str | None, typer.Option("--url", help="The broker's door; HANDOFF_BROKER_URL where not given.")]
Json = Annotated[bool, typer.Option("--json", help="The same as one JSON object.")]


def watch(org: Org = None, url: Url = None, as_json: Json = False) -> None:
    """Fetch the newest checkpoint, see that the log grew from the one that is kept here, and keep it.

    Exit 6 where it was cut short or rewritten, 3 where there is no answer. `handoff agent` does it every ten minutes.
    """
    kept = _kept_log(org, url)
    before = kept.kept()
    found = asyncio.run(kept.look())
    told = {"before": None if before is None else before.size, "entries": found.size}
    since = "This is the first one kept." if before is None else f"It begins with the {before.size} known before."
    typer.echo(json.dumps(told) if as_json else f"The log has {found.size} entries. {since}")


def prove(
    event: Annotated[str, typer.Argument(help="The id of an event of yours.")],
    org: Org = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Fetch the place of your event's entry in the log with its proof, check it, and keep it as a receipt."""
    receipt = asyncio.run(_kept_log(org, url).receipt(EventId(event)))
    words = f"Proved: entry {receipt.index} of the log, {receipt.entry}. It is kept."
    typer.echo(json.dumps(asdict(receipt)) if as_json else words)


def _kept_log(org: str | None, url: str | None) -> KeptLog:
    settings = load_settings()
    agency, address = agency_of(settings, org), url or settings.broker_url
    if address is None:
        raise SettingsInvalid("HANDOFF_BROKER_URL is not set: it says where the broker's door is.")
    zone = settings.zones / agency
    return KeptLog(zone, LogDoor(address, lambda: load_signing_key(zone / KEYS_FOLDER, agency, datetime.now(UTC))))
