"""An answer that comes after its offer is over is refused, and that it came is written down and shown (F17)."""

import pytest

from adapters.errors import AnswerNotPossible
from adapters.inbox.answering import Answering
from adapters.inbox.listing import Listing, OfferSeen
from adapters.inbox.panels import offer_lines
from broker.schemas.event import EventData
from broker.schemas.ids import OfferId, new_event_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import DeclineReason, MsgStatus, WithdrawReason
from tests.adapters.courier_desk import HAVEN, CourierDesk


def _answering(desk: CourierDesk) -> Answering:
    return Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)


async def _seen(desk: CourierDesk, offer_id: OfferId) -> OfferSeen:
    return await Listing(desk.pool, desk.providers[HAVEN]).find(offer_id)


@pytest.mark.parametrize("code", [RefusalCode.OFFER_EXPIRED, RefusalCode.OFFER_WITHDRAWN])
async def test_a_late_answer_is_on_record(desk: CourierDesk, code: RefusalCode) -> None:
    """Which answer, when, refused with which code; sent again it is the same line, and nothing leaves."""
    [(offer_id, referral)] = await desk.offers(HAVEN)
    over: EventData = OfferExpired(offer_id=offer_id)
    if code is RefusalCode.OFFER_WITHDRAWN:
        over = OfferWithdrawn(offer_id=offer_id, reason=WithdrawReason.TAKEN_BY_OTHER)
    await desk.take_in([(HAVEN, referral, over)])
    told = await desk.told()
    accepted, same = OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF), new_event_id()
    for _ in range(2):
        with pytest.raises(AnswerNotPossible) as refused:
            await _answering(desk).answer(offer_id, accepted, event_id=same)
        assert refused.value.code is code
    seen = await _seen(desk, offer_id)
    assert [(late.type, late.code, late.times) for late in seen.late] == [(OfferAccepted.TYPE, code, 2)]
    now = await Listing(desk.pool, desk.providers[HAVEN]).now()
    [line] = [line for line in offer_lines(seen, desk.providers[HAVEN].kind, now) if "TOO LATE" in line]
    assert "accepted" in line
    assert code.value in line
    assert await desk.told() == told


async def test_what_was_answered_in_time_is_not_called_late(desk: CourierDesk) -> None:
    """A second answer to what somebody has answered is refused as that, and nothing is written down of it."""
    [(offer_id, _)] = await desk.offers(HAVEN)
    await _answering(desk).answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
    with pytest.raises(AnswerNotPossible):
        await _answering(desk).answer(offer_id, OfferDeclined(offer_id=offer_id, reason=DeclineReason.NO_CAPACITY_BEDS))
    assert (await _seen(desk, offer_id)).late == ()
