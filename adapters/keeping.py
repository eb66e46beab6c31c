"""What an organisation keeps of ended offers, by codes, goes after its schedule; that it went, and how much, stays.

The schedules are those of the network's trail (broker/limits/retention.py), by what the organisation is; a shorter rule
of its own wins. Nothing goes while its class is not known: what is gone does not come back. The deleting is one
function of the database (migration 0015), which the everyday role may call and in whose place it can delete nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.provider import Provider
from broker import limits
from broker.schemas.vocabulary import OrgClass
from broker.sql.bulk import Pool

_C: Final = OrgClass

KEPT_BY: Final[Mapping[OrgClass, str]] = {
    **dict.fromkeys((_C.VSP_SHELTER, _C.VSP_ADVOCACY, _C.HOTLINE_VSP), "VICTIM_SERVICES"),
    **dict.fromkeys((_C.HOSPITAL_HIPAA, _C.HEALTH_CLINIC_HIPAA, _C.COUNSELING_HIPAA, _C.EMS), "HIPAA"),
}
"""By which of the network's rules an organisation of this class keeps; all others by OTHERS."""

_SET: Final = (
    "INSERT INTO retention_rule (org_id, days, set_at) VALUES ($1, $2, clock_timestamp())"
    " ON CONFLICT (org_id) DO UPDATE SET days = excluded.days, set_at = excluded.set_at"
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """So many days after an offer's end, and by which rule: OWN is the organisation's."""

    days: int
    rule: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What went in one turn: of so many offers, so many answers, notes of who read, and attempts to hand over."""

    erased_at: datetime
    rule: str
    days: int
    offers: int
    answers: int
    readings: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Keeping:
    """One provider's schedule, and what went by it."""

    pool: Pool
    provider: Provider

    async def schedule(self) -> Schedule | None:
        """How long codes are kept; None while nobody has said what the organisation is, and it has no own rule."""
        own = await self.pool.fetchval("SELECT days FROM retention_rule WHERE org_id = $1", self.provider.org)
        kind = self.provider.org_class
        rule = None if kind is None else KEPT_BY.get(kind, "OTHERS")
        if own is not None and (rule is None or own < limits.trail_days[rule]):
            return Schedule(own, "OWN")
        return None if rule is None else Schedule(limits.trail_days[rule], rule)

    async def set_rule(self, days: int) -> None:
        """Note the organisation's own rule."""
        await self.pool.execute(_SET, self.provider.org, days)

    async def erase(self) -> int:
        """Erase what was kept long enough, as much as one transaction takes; returns of how many offers."""
        kept = await self.schedule()
        if kept is None:
            return 0
        found: int = await self.pool.fetchval(
            "SELECT erase_codes($1, $2, $3, $4)",
            *(self.provider.org, kept.days, kept.rule, limits.offers_forgotten_max),
        )
        return found

    async def erased(self) -> list[Erased]:
        """What went so far, the latest first."""
        rows = await self.pool.fetch(
            "SELECT * FROM erasure WHERE org_id = $1 ORDER BY erasure_id DESC LIMIT $2",
            *(self.provider.org, limits.erasures_listed_max),
        )
        return [Erased(**{name: row[name] for name in Erased.__slots__}) for row in rows]
