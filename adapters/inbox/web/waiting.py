"""What waits at an organisation, as its open pages have it counted."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from adapters.standing import Standing
from broker.look.counts import Ask, Waiting
from broker.sql.bulk import Pool

_WAITING: Final = (
    "SELECT org.org_id, o.offer_id, o.received_at, clock_timestamp() AS now FROM unnest($1::text[]) AS org (org_id)"
    " LEFT JOIN offer o ON o.org_id = org.org_id AND o.standing = $2"
)
"""At least a row for each organisation: one that nothing waits for was asked about, too."""


def offers_waiting(pool: Pool) -> Ask:
    """Asks for the offers that wait for an answer, by organisation."""

    async def ask(orgs: Collection[str]) -> Waiting:
        houses: dict[str, dict[str, datetime]] = {}
        rows = await pool.fetch(_WAITING, list(orgs), Standing.WAITING.value)
        for row in rows:
            of_house = houses.setdefault(row["org_id"], {})
            if row["offer_id"] is not None:
                of_house[row["offer_id"]] = row["received_at"]
        return Waiting(rows[0]["now"], houses)

    return ask
