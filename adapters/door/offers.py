"""An offer as a provider's own system sees it: tier 2 at most in the clear; what was released as it came, sealed."""

from typing import Any

from adapters.errors import NothingToOpen, OfferNotFound
from adapters.inbox.listing import Listing, OfferSeen
from adapters.inbox.opening import HandedOut, Opening
from adapters.provider import Provider
from adapters.standing import TAKEN
from broker.schemas.ids import OfferId
from broker.sql.bulk import Pool

_NOTHING = HandedOut((), ())


async def shown(pool: Pool, provider: Provider, offer_id: OfferId) -> dict[str, Any]:
    """The offer, by wire names. Where sealed groups are part of it, that they were read is written down before.

    Raises:
        OfferNotFound: also for another provider's offer.
    """
    offer = await Listing(pool, provider).find(offer_id)
    return {**_standing(offer), **_released(offer, await _handed_out(Opening(pool, provider), offer))}


async def conflict_check(pool: Pool, provider: Provider, offer_id: OfferId) -> dict[str, Any]:
    """The names for the conflict check, sealed, by wire names: once, after it was written down that they were read.

    Raises:
        OfferNotFound: also for another provider's offer.
        NothingToOpen: there are none, or they were handed out or opened before.
    """
    offer = await Listing(pool, provider).find(offer_id)
    return _sealed(await Opening(pool, provider).hand_out_check(offer.offer_id))


async def _handed_out(opening: Opening, offer: OfferSeen) -> HandedOut:
    if not offer.released or offer.standing not in TAKEN:
        return _NOTHING
    try:
        return await opening.hand_out(offer.offer_id)
    except (NothingToOpen, OfferNotFound):
        return _NOTHING  # It ended, or was taken back, since it was looked at.


def _standing(offer: OfferSeen) -> dict[str, Any]:
    content = offer.offer.model_dump(mode="json", by_alias=True, exclude_none=True) if offer.offer is not None else None
    return {
        "offerId": offer.offer_id,
        "referralId": offer.referral_id,
        "reference": offer.reference,
        "standing": offer.standing.value,
        "priority": offer.priority.value if offer.priority else None,
        "answerBy": offer.answer_by.isoformat() if offer.answer_by else None,
        "offer": content,
        "unsentAnswers": offer.unsent,
        "refusal": offer.refusal.value if offer.refusal else None,
        "takenBack": list(offer.taken_back),
        "takenBackAnswerBy": offer.taken_back_answer_by.isoformat() if offer.taken_back_answer_by else None,
    }


def _released(offer: OfferSeen, handed_out: HandedOut) -> dict[str, Any]:
    return {
        "released": offer.released,
        "keysMissing": offer.keys_missing,
        "releaseEnds": offer.release_ends.isoformat() if offer.release_ends else None,
        "redisclosureProhibited": offer.redisclosure_prohibited,
        "noticeCode": offer.notice_code,
        "breakGlassId": offer.break_glass_id,
        "contactFreshHours": offer.contact_fresh.total_seconds() / 3600 if offer.contact_fresh is not None else None,
        **_sealed(handed_out),
    }


def _sealed(handed_out: HandedOut) -> dict[str, Any]:
    return {
        "sealed": [sealed.model_dump(mode="json", by_alias=True) for sealed in handed_out.sealed],
        "wraps": [wrap.model_dump(mode="json", by_alias=True) for wrap in handed_out.wraps],
    }
