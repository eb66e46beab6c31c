"""A trail for auditors to read: the broker's own stories played on a desk in memory, put into the tables, sealed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic_core import from_json

from broker.handlers.cases import Referral
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.contact_made import ContactMade
from broker.schemas.delivery_failed import DeliveryFailed
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.event import EventData
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.sql.bulk import Connection
from broker.trail.entries import fresh_salt
from tests.domain.cast import CONSENT, HOTLINE, OTHER_SHELTER, POLICE, SHELTER, record
from tests.trail.stories_played import Played, played_emergency

CANARY: Final = "Marigold Canary-Ashdown"
"""A name that is in the tables, and may be nowhere else."""
FORMULA: Final = '=HYPERLINK("https://elsewhere.example")'
"""What somebody calls an organisation who would like to meet a spreadsheet."""


@dataclass(frozen=True, slots=True)
class Told:
    """The referrals of this trail."""

    served: str
    """Asked under a release, delivered, seen, taken, sealed, contacted, served."""
    recalled: str
    """Handed over under the same release, which was then taken back."""
    undelivered: str
    emergency: str


async def tell(connection: Connection, began: datetime) -> Told:
    """Play them from `began` (UTC) on, and put what they wrote into the tables."""
    play = Played()
    play.desk.now, play.desk.draw = began, replace(play.desk.draw, salt=fresh_salt)
    told = _play(play)
    at = began
    for entry in play.desk.written.trail:
        at = datetime.fromisoformat(from_json(entry.preimage).get("at", at.isoformat()))
        await connection.execute(
            "INSERT INTO trail_entry (kind, referral_id, salt, preimage, written_at) VALUES ($1, $2, $3, $4, $5)",
            *(entry.kind.value, entry.referral_id, entry.salt, entry.preimage, at),
        )
    for org in (POLICE, HOTLINE, SHELTER, OTHER_SHELTER):
        await connection.execute(
            "INSERT INTO organisation (org_id, name, org_class, category, profile, agreement_until, suspended)"
            " VALUES ($1, $2, $3, $4, '{}', $5, FALSE)",
            *(org.org, FORMULA if org.category else org.org.title(), org.org_class.value, org.category),
            began + timedelta(days=365),
        )
    for referral in play.desk.referrals.values():
        await _stored(connection, referral)
    return told


def _play(play: Played) -> Told:
    begins, ends = play.desk.now - timedelta(hours=1), play.desk.now + timedelta(days=13)
    lasts = {"notBefore": begins.isoformat(), "notAfter": ends.isoformat()}
    granted = record(HOTLINE, SHELTER, OTHER_SHELTER, validity=lasts)
    play.say(HOTLINE, ConsentGranted(asked_in_private=True, record=granted), CONSENT)
    served = play.asked(HOTLINE, consent=True)
    first: tuple[type[EventData], ...] = (DeliverySucceeded, OfferReceipted, OfferAccepted)
    for minutes, kind in zip((1, 4, 7), first, strict=True):
        play.desk.now += timedelta(minutes=minutes)
        play.answer(served, kind)
    play.sealed(HOTLINE, served)
    later: tuple[type[EventData], ...] = (ContactMade, ServiceStarted, ServiceCompleted)
    for hours, kind in zip((1, 2, 5), later, strict=True):
        play.desk.now += timedelta(hours=hours)
        play.answer(served, kind)
    recalled = play.asked(HOTLINE, consent=True)
    play.answer(recalled, OfferAccepted)
    play.sealed(HOTLINE, recalled)
    play.desk.now += timedelta(minutes=30)
    play.say(HOTLINE, ConsentRevoked.model_validate({**ConsentRevoked.EXAMPLE, "version": 1}), CONSENT)
    undelivered = play.asked(POLICE)
    play.answer(undelivered, DeliveryFailed)
    play.answer(undelivered, OfferDeclined, 1)
    emergency = played_emergency(play)
    return Told(*(one.referral_id for one in (served, recalled, undelivered, emergency)))


async def _stored(connection: Connection, referral: Referral) -> None:
    """Its rows, as far as auditors' questions look at them."""
    await connection.execute(
        "INSERT INTO referral (referral_id, source, priority, policy, victim_agreed, request, excluded, groups,"
        " received_at) VALUES ($1, $2, $3, $4, 'YES', jsonb_build_object('note', $5::text), '[]', '[]', $6)",
        *(referral.referral_id, referral.source, referral.priority.value, referral.policy, CANARY),
        referral.received_at,
    )
    for need in referral.needs.values():
        await connection.execute(
            "INSERT INTO need (referral_id, category, state, services, engaged, released, changed_at, priority,"
            " expires_at) VALUES ($1, $2, $3, '[]', $4, $5, $6, $7, $8)",
            *(referral.referral_id, need.category.value, need.state.value, need.engaged, need.released),
            *(need.changed_at, need.priority.value, need.expires_at),
        )
