"""What a provider's zone reports of its deliveries: whom nobody reaches, nobody waits for."""

import pytest

from broker.schemas.delivery_failed import DeliveryFailed, DeliveryFailure
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.ids import OfferId, OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import Acknowledgment
from tests.broker.county import County
from tests.broker.facts import SHELTERS, accepted
from tests.broker.test_offers import requested

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _failed(offer: OfferId) -> DeliveryFailed:
    return DeliveryFailed(offer_id=offer, code=DeliveryFailure.NO_WAY)


def _asked(county: County, referral: str) -> dict[OrgId, OfferId]:
    return {heard.org: made.offer_id for heard, made in county.events(OfferMade, about=referral)}


async def test_an_offer_that_reached_nobody_ends_and_the_next_one_is_asked(served: County) -> None:
    """At once, and not after the deadline of an offer that nobody has seen."""
    referral = await requested(served, priority="P2")
    [(org, offer)] = _asked(served, referral).items()
    await served.say(org, _failed(offer), referral)
    await served.settled()
    [row] = [row for row in await served.offers(referral) if row["offer_id"] == offer]
    assert (row["state"], row["reason"]) == ("WITHDRAWN", "UNDELIVERED")
    assert served.facts(OfferExpired, org=org, about=referral)
    asked = _asked(served, referral)
    assert len(asked) == 2
    assert (await served.need(referral))["state"] == "OFFERED"


async def test_when_nobody_can_be_reached_a_human_is_told(served: County) -> None:
    """The last provider's failure ends the search where a person sees it."""
    referral = await requested(served, priority="P0")
    for org, offer in _asked(served, referral).items():
        await served.say(org, _failed(offer), referral)
        await served.settled()
    assert set(_asked(served, referral)) == set(SHELTERS)
    assert (await served.need(referral))["state"] == "NO_MATCH"
    assert await served.work(referral) == ["NOBODY_LEFT"]


async def test_what_an_accepted_provider_did_not_get_comes_before_a_human(served: County) -> None:
    """The acceptance stands: somebody calls, and nobody else is asked."""
    referral = await requested(served, priority="P2")
    [(org, offer)] = _asked(served, referral).items()
    await served.say(org, accepted(offer), referral)
    await served.say(org, _failed(offer), referral)
    await served.settled()
    assert [row["state"] for row in await served.offers(referral)] == ["ACCEPTED"]
    assert "UNDELIVERED" in await served.work(referral)


async def test_a_delivery_raises_the_first_rung_once_and_never_lowers_one(served: County) -> None:
    """A1 after A0; what comes late or twice, or from somebody else, changes nothing."""
    referral = await requested(served, priority="P2")
    [(org, offer)] = _asked(served, referral).items()
    stranger = next(one for one in SHELTERS if one != org)
    foreign = await served.say(stranger, DeliverySucceeded(offer_id=offer), referral)
    await served.say(org, DeliverySucceeded(offer_id=offer), referral)
    await served.settled()
    [row] = await served.offers(referral)
    assert (row["state"], row["rung"]) == ("MADE", Acknowledgment.A1_DELIVERED.value)
    assert served.refusal(foreign) is not None
    moved = (await served.steps(referral)).count("offer.moved")
    await served.say(org, DeliverySucceeded(offer_id=offer), referral)
    await served.say(org, accepted(offer), referral)
    await served.say(org, DeliverySucceeded(offer_id=offer), referral)
    await served.settled()
    [row] = await served.offers(referral)
    assert (row["state"], row["rung"]) == ("ACCEPTED", Acknowledgment.A3_DECIDED.value)
    assert (await served.steps(referral)).count("offer.moved") == moved + 1
