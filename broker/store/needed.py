"""What needs somebody now, in numbers: for a page that is looked at often and names nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.limits import desk_unreached_days
from broker.sql.bulk import Connection
from broker.store.auditing import owed_now
from broker.store.quarantine import backlog
from broker.store.work import open_work

_UNREACHED: Final = (
    "SELECT count(DISTINCT provider) AS providers, max(changed_at) AS latest FROM offer"
    " WHERE reason = 'UNDELIVERED' AND changed_at > now() - make_interval(days => $1)"
)


@dataclass(frozen=True, slots=True)
class Needed:
    """The numbers at a moment (UTC), each list's oldest, and when a provider was last not reached."""

    at: datetime
    work: int
    aged: int
    untouched: int
    oldest_work: datetime | None
    quarantine: int
    quarantine_late: int
    oldest_quarantine: datetime | None
    overdue: int
    oldest_overdue: datetime | None
    unreached: int
    latest_unreached: datetime | None

    @property
    def calm(self) -> bool:
        """Whether nothing at all waits."""
        return not (self.work or self.quarantine or self.overdue or self.unreached)


async def needed(connection: Connection, broker_org: str) -> Needed:
    """The numbers as they are now."""
    work = await open_work(connection)
    lying = await backlog(connection, broker_org)
    owed = await owed_now(connection)
    unreached = await connection.fetchrow(_UNREACHED, desk_unreached_days)
    assert unreached is not None
    return Needed(
        at=await connection.fetchval("SELECT clock_timestamp()"),
        work=len(work),
        aged=sum(line.aged for line in work),
        untouched=sum(line.claimed_by is None and line.assigned_to is None for line in work),
        oldest_work=min((line.raised_at for line in work), default=None),
        quarantine=sum(one.open for one in lying),
        quarantine_late=sum(one.overdue for one in lying),
        oldest_quarantine=min((one.oldest for one in lying), default=None),
        overdue=len(owed),
        oldest_overdue=min((row.since for row in owed), default=None),
        unreached=unreached["providers"],
        latest_unreached=unreached["latest"],
    )
