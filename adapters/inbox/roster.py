"""Who is on call here and at which number: this provider's own rows, which never leave its zone.

A role or a desk, never a name. Who covers the same hours stands beside the other; a turn that is over is forgotten when
the roster is next written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.limits import roster_kept_days
from broker.schemas.event import Contract
from broker.schemas.ids import OrgId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.shapes import Moment, PhoneNumber
from broker.sql.bulk import Pool

_SET: Final = (
    "INSERT INTO on_call (org_id, role, starts_at, ends_at, number) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (org_id, role, starts_at) DO UPDATE SET ends_at = excluded.ends_at, number = excluded.number"
)
_FORGET: Final = "DELETE FROM on_call WHERE org_id = $1 AND ends_at < clock_timestamp() - make_interval(days => $2)"
_LISTED: Final = (
    "SELECT role, starts_at, ends_at, number FROM on_call WHERE org_id = $1 AND ends_at > $2"
    " AND ($3::timestamptz IS NULL OR starts_at <= $3) ORDER BY starts_at, role"
)


class Turn(Contract):
    """One turn of the roster. Times are UTC; it begins with `startsAt` and is over at `endsAt`."""

    role: AcceptedBy
    starts_at: Moment
    ends_at: Moment
    number: PhoneNumber


@dataclass(frozen=True, slots=True)
class Roster:
    """Reads and writes one provider's roster."""

    pool: Pool
    org: OrgId

    async def set(self, turn: Turn) -> None:
        """Write a turn down; one of the same role and beginning is replaced."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(_FORGET, self.org, roster_kept_days)
            await connection.execute(_SET, self.org, turn.role, turn.starts_at, turn.ends_at, turn.number)

    async def clear(self, role: AcceptedBy, starts_at: datetime) -> bool:
        """Strike a turn out; False where there is none."""
        done: str = await self.pool.execute(
            "DELETE FROM on_call WHERE org_id = $1 AND role = $2 AND starts_at = $3", self.org, role, starts_at
        )
        return done != "DELETE 0"

    async def coming(self, now: datetime) -> list[Turn]:
        """The turns that are not over at `now`, in their order."""
        return await self._listed(now, None)

    async def on_call(self, now: datetime) -> list[Turn]:
        """Whose turn it is at `now`."""
        return await self._listed(now, now)

    async def _listed(self, now: datetime, begun_by: datetime | None) -> list[Turn]:
        rows = await self.pool.fetch(_LISTED, self.org, now, begun_by)
        return [Turn(**{**row, "role": AcceptedBy(row["role"])}) for row in rows]
