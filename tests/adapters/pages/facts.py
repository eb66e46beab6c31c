"""Offers of which everything is true that can be said of one, as if it had come to that."""

from datetime import UTC, datetime, timedelta

from adapters.standing import Standing
from broker.schemas.break_glass_vocabulary import new_break_glass_id
from broker.schemas.ids import OfferId, new_consent_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.vocabulary import DeclineReason
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import House


async def pressed(house: House) -> OfferId:
    """One that was reminded of, to which an answer of ours was refused and another came late, and one is on its way."""
    offer_id, now = await house.offered(HAVEN), datetime.now(UTC)
    pool = house.desk.pool
    await house.inbox(HAVEN).waitlist(offer_id)
    await pool.execute(
        "UPDATE offer SET reminded_at = $2, refusal = 'TRANSITION_IMPOSSIBLE' WHERE offer_id = $1",
        *(offer_id, now - timedelta(minutes=3)),
    )
    await pool.execute(
        "INSERT INTO late_answer (org_id, offer_id, type, code, times, first_at, last_at)"
        " VALUES ($1, $2, $3, 'OFFER_WITHDRAWN', 2, $4, $4)",
        *(HAVEN, offer_id, OfferAccepted.TYPE, now - timedelta(minutes=5)),
    )
    shift = '{"role": "ADVOCATE_ON_CALL", "callback": "+15555550100", "shiftEndsAt": "2026-01-01T00:00:00Z"}'
    await pool.execute(
        "UPDATE offer SET content = jsonb_set(content, '{workerContact}', $2::jsonb) WHERE offer_id = $1",
        *(offer_id, shift),
    )
    return offer_id


async def handed_over(house: House, *, prohibited: bool = True, emergency: bool = False) -> OfferId:
    """One that was accepted and released: on a release of hers, or in an emergency without one."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, offer_id)
    ids = (None, None, new_break_glass_id()) if emergency else (new_consent_id(), 2, None)
    await house.desk.pool.execute(
        "UPDATE disclosure SET consent_id = $2, consent_version = $3, break_glass_id = $4, redisclosure_prohibited = $5"
        " WHERE offer_id = $1",
        *(offer_id, *ids, prohibited),
    )
    return offer_id


async def without_keys(house: House) -> OfferId:
    """One that was accepted, and whose keys have not come."""
    offer_id = await handed_over(house)
    await house.desk.pool.execute("DELETE FROM wrapped_part WHERE offer_id = $1", offer_id)
    return offer_id


async def recalled(house: House, reason: str | None = "WRONG_PERSON") -> OfferId:
    """One of which something was taken back that somebody had opened."""
    offer_id = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.desk.pool.execute(
        "INSERT INTO recall (org_id, offer_id, groups, answer_by, received_at, reason)"
        ' VALUES ($1, $2, \'["FG03", "FG04"]\', $3, clock_timestamp(), $4)',
        *(HAVEN, offer_id, datetime.now(UTC) + timedelta(hours=1), reason),
    )
    return offer_id


async def over(house: House) -> OfferId:
    """One that was answered with no."""
    offer_id = await house.offered(HAVEN)
    await house.inbox(HAVEN).decline(offer_id, DeclineReason.NO_CAPACITY_BEDS)
    return offer_id
