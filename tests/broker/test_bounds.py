"""A release for so many uses, or until an event, reaches no further; what was given under it is not taken back."""

from typing import Any

import pytest

from broker.schemas.consent_record import ConsentRecord
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Outcome, Service
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    HOTLINE,
    accepted,
    consent_of,
    granted,
    release,
    release_wire,
    revoked,
)
from tests.broker.test_consents import narrowed
from tests.broker.test_release import sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def signed(county: County, **bound: Any) -> ConsentRecord:
    """A release to one shelter with such a bound, known to the broker."""
    validity = release_wire()["validity"] | bound
    record = release(BIRCH, validity=validity)
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    return record


async def referred(county: County, record: ConsentRecord) -> ReferralId:
    """A referral under it, with keys wrapped for the shelter that it names."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    await county.say(HOTLINE, asked, referral, consent=consent_of(record))
    await county.say(HOTLINE, wraps(county, referral, parts, BIRCH), referral)
    await county.settled()
    return referral


async def taken_on(county: County, referral: ReferralId) -> OfferId:
    """The shelter says yes, which hands over."""
    [made] = county.facts(OfferMade, org=BIRCH, about=referral)
    await county.say(BIRCH, accepted(made.offer_id), referral)
    await county.settled()
    return made.offer_id


async def begun(county: County, referral: ReferralId, offer: OfferId) -> None:
    """She has moved in."""
    await county.say(BIRCH, ContactMade(offer_id=offer), referral)
    await county.say(BIRCH, ServiceStarted(offer_id=offer, service=Service.EMERGENCY_SHELTER), referral)
    await county.settled()


def asked_about(county: County, referral: ReferralId) -> list[OrgId]:
    """Who was asked about a referral."""
    return [heard.org for heard, _ in county.events(OfferMade, about=referral)]


async def passed_over(county: County, referral: ReferralId) -> str:
    """Why the one shelter was not asked, in the trail's words."""
    found = (
        "SELECT preimage::text FROM (SELECT convert_from(preimage, 'UTF8')::jsonb -> 'candidates' ->> $2 AS preimage"
        " FROM trail_entry WHERE referral_id = $1 AND kind = 'referral.held') AS held"
    )
    return str(await county.pool.fetchval(found, referral, BIRCH))


async def test_a_release_for_one_use_serves_one_hand_over(served: County) -> None:
    """maxUses: the first provider has it, for the second referral nobody is asked."""
    record = await signed(served, maxUses=1)
    first = await referred(served, record)
    await taken_on(served, first)
    assert len(served.facts(DisclosureReleased, org=BIRCH, about=first)) == 1
    second = await referred(served, record)
    assert asked_about(served, second) == []
    assert await passed_over(served, second) == "CONSENT_USED_UP"
    assert served.facts(ReferralHeld, org=HOTLINE, about=second)


async def test_of_two_that_were_asked_under_one_use_one_is_told(served: County) -> None:
    """An offer is no use yet: both referrals are offered, both are accepted, one hand-over is made."""
    record = await signed(served, maxUses=1)
    both = [await referred(served, record), await referred(served, record)]
    for referral in both:
        [made] = served.facts(OfferMade, org=BIRCH, about=referral)
        await served.say(BIRCH, accepted(made.offer_id), referral)
    await served.settled()
    assert [len(served.facts(DisclosureReleased, about=referral)) for referral in both] in ([1, 0], [0, 1])
    assert sum(len(served.facts(OfferWithdrawn, org=BIRCH, about=referral)) for referral in both) == 1


async def test_a_use_is_not_counted_against_whoever_made_it(served: County) -> None:
    """Asked again for another reason, the shelter keeps what it was given."""
    record = await signed(served, maxUses=1)
    referral = await referred(served, record)
    await taken_on(served, referral)
    await served.say(HOTLINE, revoked(scope="PURPOSE", scopeValues=["PROTECTION_ORDER"]), record.consent_id)
    await served.settled()
    assert not served.facts(OfferWithdrawn, org=BIRCH, about=referral)
    assert (await served.need(referral))["state"] == "CONTACT_PENDING"


async def test_each_version_counts_its_own_uses(served: County) -> None:
    """What she signs next serves anew."""
    record = await signed(served, maxUses=1)
    await taken_on(served, await referred(served, record))
    await served.say(HOTLINE, narrowed(record, 2, BIRCH), record.consent_id)
    await served.settled()
    assert asked_about(served, await referred(served, record)) == [BIRCH]


async def test_a_release_until_placement_ends_when_a_shelter_has_taken_her_in(served: County) -> None:
    """endsOnEvent: nobody else is asked under it, and the shelter that she lives in keeps what it was given."""
    record = await signed(served, endsOnEvent="PLACEMENT_CONFIRMED")
    first = await referred(served, record)
    offer = await taken_on(served, first)
    between = await referred(served, record)
    assert asked_about(served, between) == [BIRCH]
    await begun(served, first, offer)
    after = await referred(served, record)
    assert asked_about(served, after) == []
    assert await passed_over(served, after) == "CONSENT_ENDED"
    late = await taken_on(served, between)
    assert not served.facts(DisclosureReleased, about=between)
    assert [fact.offer_id for fact in served.facts(OfferWithdrawn, about=between)] == [late]
    assert not served.facts(OfferWithdrawn, about=first)


async def test_a_release_until_the_referral_closes_ends_with_it(served: County) -> None:
    """endsOnEvent: closed in every need, it carries no further referral."""
    record = await signed(served, endsOnEvent="REFERRAL_CLOSED")
    first = await referred(served, record)
    offer = await taken_on(served, first)
    await begun(served, first, offer)
    assert asked_about(served, await referred(served, record)) == [BIRCH]
    await served.say(BIRCH, ServiceCompleted(offer_id=offer, outcome=Outcome.SHELTERED), first)
    await served.settled()
    after = await referred(served, record)
    assert asked_about(served, after) == []
    assert await passed_over(served, after) == "CONSENT_ENDED"
