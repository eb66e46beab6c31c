"""Who has opened what was released to this provider: written down before it was opened, and kept in this zone alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic_core import from_json

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OfferId, OrgId
from broker.sql.bulk import Pool

_READINGS: Final = (
    "SELECT r.*, o.reference FROM reading r JOIN offer o USING (org_id, offer_id)"
    " WHERE r.org_id = $1 AND ($2::text IS NULL OR r.offer_id = $2) ORDER BY r.reading_id DESC LIMIT $3"
)


@dataclass(frozen=True, slots=True)
class ReadingSeen:
    """One opening: of which offer, by whom, which groups, whether contact details were shown, and when (UTC)."""

    offer_id: OfferId
    reference: str
    reader: str
    """A role, `SYSTEM` for the provider's own, or the transport that handed it on."""
    account: str | None
    """A short reference that tells two people of one role apart; None at a shell."""
    groups: tuple[FieldGroup, ...]
    contact_shown: bool
    read_at: datetime


async def readings(pool: Pool, org: OrgId, offer_id: OfferId | None, limit: int | None) -> list[ReadingSeen]:
    """The latest openings of this organisation, the newest first."""
    return [
        ReadingSeen(
            offer_id=OfferId(row["offer_id"]),
            reference=row["reference"],
            reader=row["reader"],
            account=row["account"],
            groups=tuple(FieldGroup(group) for group in from_json(row["groups"])),
            contact_shown=row["contact_shown"],
            read_at=row["read_at"],
        )
        for row in await pool.fetch(_READINGS, org, offer_id, limit)
    ]
