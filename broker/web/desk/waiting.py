"""What waits for a human, as open pages of the desk have it counted."""

from collections.abc import Collection
from typing import Final

from broker.look.counts import Ask, Waiting
from broker.sql.bulk import Pool

_WAITING: Final = (
    "SELECT now.now, w.work_id, w.raised_at FROM (SELECT clock_timestamp() AS now) AS now"
    " LEFT JOIN work_item w ON w.resolved_at IS NULL"
)


def work_waiting(pool: Pool) -> Ask:
    """Asks for the open items of the work list, which is one for all of the desk."""

    async def ask(orgs: Collection[str]) -> Waiting:
        rows = await pool.fetch(_WAITING)
        items = {row["work_id"]: row["raised_at"] for row in rows if row["work_id"] is not None}
        return Waiting(rows[0]["now"], dict.fromkeys(orgs, items))

    return ask
