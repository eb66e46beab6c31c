"""What waits for one provider's people: offers by urgency, never a name, and never another provider's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from pydantic_core import from_json

from adapters.errors import OfferNotFound, ReferenceAmbiguous
from adapters.provider import Provider
from adapters.standing import OPEN, OVER, TAKEN, Standing
from broker import limits
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, OfferId, ReferralId
from broker.schemas.offer_made import OfferMade
from broker.schemas.reference import normalised
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import Priority
from broker.sql.bulk import Pool


@dataclass(frozen=True, slots=True)
class LateSeen:
    """An answer that came after the offer was over: which event, refused with which code, when last, how often."""

    type: str
    code: RefusalCode
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """One offer as the provider's people see it. Times are UTC. There is no identity in it."""

    offer_id: OfferId
    referral_id: ReferralId
    reference: str
    standing: Standing
    received_at: datetime
    priority: Priority | None
    answer_by: datetime | None
    reminded_at: datetime | None
    """When the broker last said that something is owed of it."""
    offer: OfferMade | None
    """The offer itself; None once it was taken back, expired, or has been over for a day."""
    refusal: RefusalCode | None
    """Why the broker did not take the latest answer; None where it did or has not said."""
    late: tuple[LateSeen, ...]
    """Answers of ours that came too late, in their order."""
    unsent: int
    """Answers of ours that Kafka has not confirmed yet."""
    released: bool
    """Whether both halves are here: what is sealed, and the keys to it."""
    keys_missing: bool
    """Whether what is sealed is here without any of the keys to it."""
    release_ends: datetime | None
    """Until when the released groups may be opened; None where nothing was released or no end was set."""
    redisclosure_prohibited: bool
    notice_code: str | None
    consent_id: ConsentId | None
    """The survivor's release that what was released rests on; None where it rests on none."""
    consent_version: int | None
    break_glass_id: BreakGlassId | None
    """Of the emergency in which it was handed over, without her having been asked."""
    contact_fresh: timedelta | None
    """For how long a safe contact may be relied on after it was confirmed; None where nothing was released."""
    contact_confirmed_at: datetime | None
    """When somebody here has had it confirmed anew."""
    taken_back: tuple[FieldGroup, ...]
    """Groups that were taken back and about which a person has still to say what became of them."""
    taken_back_answer_by: datetime | None
    taken_back_reason: RecallReason | None
    """What their source had got wrong; None where a survivor took consent back."""


@dataclass(frozen=True, slots=True)
class AsideSeen:
    """A message of the broker that was not acted on: where it lies and why."""

    place: str
    code: str
    set_aside_at: datetime


_SEEN: Final = (
    "SELECT o.*, d.offer_id IS NOT NULL AND (EXISTS (SELECT 1 FROM sealed_part s JOIN wrapped_part w"
    " USING (org_id, offer_id, field_group, release_id) WHERE s.org_id = o.org_id AND s.offer_id = o.offer_id)"
    " OR NOT EXISTS (SELECT 1 FROM sealed_part s WHERE s.org_id = o.org_id AND s.offer_id = o.offer_id)) AS released,"
    " d.offer_id IS NOT NULL AS handed_over, d.expires_at AS release_ends,"
    " coalesce(d.redisclosure_prohibited, false) AS redisclosure_prohibited, d.notice_code,"
    " d.contact_fresh_hours, d.break_glass_id, d.consent_id, d.consent_version, c.confirmed_at AS contact_confirmed_at,"
    " (SELECT count(*) FROM answer a WHERE a.org_id = o.org_id AND a.offer_id = o.offer_id AND a.sent_at IS NULL)"
    " AS unsent, r.groups AS taken_back, r.answer_by AS taken_back_answer_by, r.reason AS taken_back_reason"
    ", (SELECT jsonb_agg(jsonb_build_array(l.type, l.code, l.last_at, l.times) ORDER BY l.last_at) FROM late_answer l"
    " WHERE l.org_id = o.org_id AND l.offer_id = o.offer_id) AS late"
    " FROM offer o LEFT JOIN disclosure d USING (org_id, offer_id)"
    " LEFT JOIN contact_confirmed c USING (org_id, offer_id)"
    " LEFT JOIN recall r ON r.org_id = o.org_id AND r.offer_id = o.offer_id AND r.outcome IS NULL"
    " WHERE o.org_id = $1"
)
_REACHED: Final = (
    "SELECT type, min(made_at) AS at FROM answer WHERE org_id = $1 AND offer_id = $2 AND refusal IS NULL GROUP BY type"
)
_AT_HAND: Final = (
    " AND o.offer_id = ANY(ARRAY(SELECT offer_id FROM offer WHERE org_id = $1 AND standing = ANY($2::text[])"
    " UNION SELECT offer_id FROM recall WHERE org_id = $1 AND outcome IS NULL))"
    " ORDER BY r.answer_by NULLS LAST, o.priority NULLS LAST, o.answer_by NULLS LAST, o.offer_id LIMIT $3"
)
"""Found by index, each way of its own: an installation keeps what is over for years. As an array they are found first,
whatever PostgreSQL believes of the tables: by what it knew before a file was filled it once joined them for minutes.
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """Reads one provider's offers."""

    pool: Pool
    provider: Provider

    async def offers(self, *, everything: bool = False) -> tuple[OfferSeen, ...]:
        """What was taken back and awaits an answer, what waits, what is under way, most urgent first.

        `everything`: what is over too.
        """
        shown = [standing.value for standing in (OPEN | TAKEN | OVER if everything else OPEN | TAKEN)]
        found = await self.pool.fetch(_SEEN + _AT_HAND, self.provider.org, shown, limits.inbox_listed_max)
        return tuple(map(_seen, found))

    async def find(self, name: str) -> OfferSeen:
        """The offer of this reference (`K7QF-2MXD`, read generously) or offer id.

        Where a referral came to this provider more than once, its reference names the one offer that is not over.

        Raises:
            OfferNotFound: also for another provider's offer.
            ReferenceAmbiguous: several offers that are not over have this reference.
        """
        reference = normalised(name)
        column, value = ("reference", reference) if reference else ("offer_id", name)
        found = await self.pool.fetch(f"{_SEEN} AND o.{column} = $2 ORDER BY o.received_at", self.provider.org, value)
        seen = [_seen(row) for row in found]
        if not seen:
            raise OfferNotFound
        live = [offer for offer in seen if offer.standing not in OVER]
        if len(live) > 1:
            raise ReferenceAmbiguous
        return live[0] if live else seen[-1]

    async def answered(self, offer_id: OfferId) -> dict[str, datetime]:
        """Which answers were given to an offer, by their type, and when first (UTC); those that were refused apart."""
        rows = await self.pool.fetch(_REACHED, self.provider.org, offer_id)
        return {row["type"]: row["at"] for row in rows}

    async def aside(self) -> tuple[AsideSeen, ...]:
        """What the broker sent and this installation did not act on, newest first."""
        found = await self.pool.fetch(
            "SELECT topic, partition, record_offset, code, set_aside_at FROM set_aside WHERE org_id = $1"
            " ORDER BY set_aside_at DESC LIMIT $2",
            self.provider.org,
            limits.inbox_listed_max,
        )
        return tuple(
            AsideSeen(f"{row['topic']}/{row['partition']}/{row['record_offset']}", row["code"], row["set_aside_at"])
            for row in found
        )

    async def now(self) -> datetime:
        """The database's clock, by which deadlines are told."""
        moment: datetime = await self.pool.fetchval("SELECT clock_timestamp()")
        return moment


def _seen(row: "asyncpg.Record") -> OfferSeen:
    return OfferSeen(
        offer_id=OfferId(row["offer_id"]),
        referral_id=ReferralId(row["referral_id"]),
        reference=row["reference"],
        standing=Standing(row["standing"]),
        received_at=row["received_at"],
        priority=Priority(row["priority"]) if row["priority"] else None,
        answer_by=row["answer_by"],
        reminded_at=row["reminded_at"],
        offer=OfferMade.read(row["content"].encode()) if row["content"] else None,
        refusal=RefusalCode(row["refusal"]) if row["refusal"] else None,
        late=tuple(map(_late, from_json(row["late"]))) if row["late"] else (),
        unsent=row["unsent"],
        released=row["released"],
        keys_missing=row["handed_over"] and not row["released"],
        release_ends=row["release_ends"],
        redisclosure_prohibited=row["redisclosure_prohibited"],
        notice_code=row["notice_code"],
        consent_id=ConsentId(row["consent_id"]) if row["consent_id"] else None,
        consent_version=row["consent_version"],
        break_glass_id=BreakGlassId(row["break_glass_id"]) if row["break_glass_id"] else None,
        contact_fresh=timedelta(hours=row["contact_fresh_hours"]) if row["released"] else None,
        contact_confirmed_at=row["contact_confirmed_at"],
        taken_back=tuple(map(FieldGroup, from_json(row["taken_back"]))) if row["taken_back"] else (),
        taken_back_answer_by=row["taken_back_answer_by"],
        taken_back_reason=RecallReason(row["taken_back_reason"]) if row["taken_back_reason"] else None,
    )


def _late(told: tuple[str, str, str, int]) -> LateSeen:
    kind, code, last_at, times = told
    return LateSeen(kind, RefusalCode(code), datetime.fromisoformat(last_at), times)
