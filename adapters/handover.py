"""What a transport is given for one attempt: read from the delivery and its offer at this attempt, and kept nowhere."""

from typing import Final

from adapters.claiming import Claim
from adapters.inbox.opening import OpenedGroup, Opening
from adapters.provider import Provider
from adapters.transports.transport import Handover, ReleaseTerms
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import events
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import MsgStatus, Priority
from broker.sql.bulk import Pool

READER: Final = "TRANSPORT:"
"""How a transport is written down as the reader of what it opens."""


def handover_of(claim: Claim, environment: MsgStatus, pool: Pool, provider: Provider) -> Handover:
    """The message of one claimed attempt."""
    row = claim.row
    offer_id = OfferId(row["offer_id"])
    released = row["type"] == DisclosureReleased.TYPE

    async def open_groups() -> list[OpenedGroup]:
        reader = f"{READER}{claim.channel.transport}"
        return await Opening(pool, provider).open_groups(offer_id, reader=reader, contact_shown=True, must_hold=True)

    with_offer = row["content"] is not None and (released or row["type"] == OfferMade.TYPE)
    terms = ReleaseTerms(
        consent_id=row["consent_id"],
        consent_version=row["consent_version"],
        ends_at=row["expires_at"],
        redisclosure_prohibited=row["redisclosure_prohibited"],
    )
    return Handover(
        message_id=EventId(row["message_id"]),
        type=row["type"],
        org=OrgId(row["org_id"]),
        offer_id=offer_id,
        referral_id=ReferralId(row["referral_id"]),
        reference=row["reference"],
        priority=Priority(row["priority"]) if row["priority"] is not None else None,
        environment=environment,
        made_at=row["made_at"],
        stop_at=row["stop_at"],
        attempt=claim.course.attempts,
        content=row["content"].encode() if with_offer else None,
        fact=events()[row["type"]].read(row["fact"].encode()) if row["fact"] is not None else None,
        open_groups=open_groups if released else None,
        terms=terms if released else None,
    )
