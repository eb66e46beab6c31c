"""What the public is told is counted from what the real broker has written."""

from datetime import UTC, datetime, timedelta

from broker.schemas.ids import new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.store.public_counts import IN_TIME, TOO_LATE
from broker.store.public_reports import reports
from tests.broker.county import County
from tests.broker.facts import POLICE, accepted, declined, request


async def test_a_quarter_is_counted_from_the_brokers_own_rows(own_county: County) -> None:
    """Twelve needs, each answered in time; who was asked beside and was not needed owed nothing."""
    referrals = [new_referral_id() for _ in range(12)]
    async with own_county.broker():
        for referral in referrals:
            await own_county.say(POLICE, request(), referral)
        await own_county.settled()
        for place, referral in enumerate(referrals):
            (heard, made), *_ = own_county.events(OfferMade, about=referral)
            answer = declined(made.offer_id) if place == 0 else accepted(made.offer_id)
            await own_county.say(heard.org, answer, referral)
        await own_county.settled()
    async with own_county.pool.acquire() as connection:
        [report] = await reports(connection, datetime.now(UTC) + timedelta(days=95))
    assert report.kinds.total == 12
    assert report.kinds.cells["SHELTER"] == 12
    assert report.urgencies.cells["P1"] == 12
    assert report.times.cells["15"] == 12
    assert report.deadlines.cells == {IN_TIME: 12, TOO_LATE: 0}
