"""Which agency a command speaks for: the one that is named, or the only one whose zone is on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from broker.agency.errors import ZoneIncomplete
from broker.client import AgencyClient
from broker.schemas.ids import OrgId
from broker.settings import Settings
from broker.zone import DIRECTORY_FILE, KEYS_FOLDER

Org = Annotated[
    str | None, typer.Option("--org", envvar="HANDOFF_ORG", help="Whose zone; the only one here where not given.")
]


def agency_of(settings: Settings, org: str | None) -> OrgId:
    """The agency to speak for.

    Raises:
        ZoneIncomplete: none is named, and there is none here or more than one.
    """
    if org is not None:
        return OrgId(org)
    zones = settings.zones
    found = sorted(path.parent.name for path in zones.glob(f"org-*/{DIRECTORY_FILE}") if _has_keys(path.parent))
    if len(found) == 1:
        return OrgId(found[0])
    if found:
        raise ZoneIncomplete("Several zones are here.", remedy=f"Name one with --org: {', '.join(found)}.")
    raise ZoneIncomplete(f"There is no agency's zone in {zones}.")


def client_of(settings: Settings, org: str | None) -> AgencyClient:
    """The client of that agency, not yet connected; raises as `agency_of` and `AgencyClient`."""
    return AgencyClient.of_settings(settings, agency_of(settings, org), name="command-line")


def _has_keys(zone: Path) -> bool:
    return (zone / KEYS_FOLDER).is_dir()
