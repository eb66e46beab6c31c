"""What somebody had chosen on an offer's page when the session ended: kept here and never on the device.

It is there again for the same account, and for nobody else: a colleague's half-made choice must not look like
one's own.
"""

from dataclasses import dataclass
from typing import Final

from broker import limits
from broker.entry.accounts import AccountId
from broker.schemas.ids import OfferId, OrgId
from broker.sql.bulk import Pool

_KEEP: Final = (
    "INSERT INTO draft (org_id, offer_id, account_id, answer, reason, kept_at) VALUES ($1, $2, $3, $4, $5,"
    " clock_timestamp()) ON CONFLICT (org_id, offer_id, account_id) DO UPDATE SET answer = excluded.answer,"
    " reason = excluded.reason, kept_at = excluded.kept_at"
)
_FORGET: Final = "DELETE FROM draft WHERE kept_at < clock_timestamp() - make_interval(hours => $1)"


@dataclass(frozen=True, slots=True)
class Draft:
    """The choice, by the codes that the form sends."""

    answer: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one account."""

    pool: Pool
    org: OrgId
    account: AccountId

    async def keep(self, offer_id: OfferId, draft: Draft) -> None:
        """Keep a choice; older ones, of anybody, are forgotten."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(_FORGET, limits.draft_kept_hours)
            await connection.execute(_KEEP, self.org, offer_id, self.account, draft.answer, draft.reason)

    async def kept(self, offer_id: OfferId) -> Draft | None:
        """What was chosen and not sent."""
        row = await self.pool.fetchrow(
            "SELECT answer, reason FROM draft WHERE org_id = $1 AND offer_id = $2 AND account_id = $3"
            " AND kept_at > clock_timestamp() - make_interval(hours => $4)",
            *(self.org, offer_id, self.account, limits.draft_kept_hours),
        )
        return Draft(row["answer"], row["reason"]) if row is not None else None

    async def forget(self, offer_id: OfferId) -> None:
        """The answer was sent: nobody's draft of it is needed any more."""
        await self.pool.execute("DELETE FROM draft WHERE org_id = $1 AND offer_id = $2", self.org, offer_id)
