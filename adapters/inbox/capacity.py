"""What this provider last said of its free places, and when: from the answers that it has sent."""

from datetime import datetime
from typing import Final

from broker import limits
from broker.schemas.capacity_updated import CapacityUnit, CapacityUpdated
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import Service
from broker.sql.bulk import Pool

Told = tuple[CapacityUpdated, datetime]
"""What was said, and when it was stored, UTC."""

_LATEST: Final = (
    "SELECT value, made_at FROM answer WHERE org_id = $1 AND offer_id IS NULL AND type = $2 AND refusal IS NULL"
    " ORDER BY seq DESC LIMIT $3"
)


async def told(pool: Pool, org: OrgId) -> list[Told]:
    """The latest for each service and unit, in the order of their names."""
    latest: dict[tuple[Service, CapacityUnit], Told] = {}
    for row in await pool.fetch(_LATEST, org, CapacityUpdated.TYPE, limits.inbox_listed_max):
        fact = CapacityUpdated.read(row["value"])
        latest.setdefault((fact.service, fact.unit), (fact, row["made_at"]))
    return [latest[key] for key in sorted(latest)]
