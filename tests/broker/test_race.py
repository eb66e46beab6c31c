"""Two brokers decide at once: nothing follows a revocation (C6), and the last use of a release is made once."""

import asyncio
from random import Random

from broker.composition import Process
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from tests.broker.county import County
from tests.broker.facts import BIRCH, HOTLINE, accepted, consent_of, granted, release, release_wire, revoked
from tests.broker.test_release import sealing, wraps

RACES = 1000

_ORDER = """
SELECT released.referral_id, released.idx AS released, revoked.idx AS revoked
FROM (SELECT referral_id, max(idx) AS idx FROM trail_entry WHERE kind = 'disclosure.released' GROUP BY 1) AS released
JOIN referral USING (referral_id)
JOIN (SELECT split_part(convert_from(preimage, 'UTF8')::jsonb ->> 'consent', '/', 1) AS consent_id, idx
      FROM trail_entry WHERE kind = 'consent.revoked') AS revoked USING (consent_id)
"""
"""What was handed over, and where in the trail: a consent's lock makes the entries about it stand in their order."""


_NEVER_LEFT = """
SELECT referral_id FROM trail_entry
WHERE kind = 'send.stopped' AND convert_from(preimage, 'UTF8')::jsonb ->> 'type' = $1
"""
"""What was handed over and stopped before it left: on a slow machine some may be."""


async def _offered(county: County) -> dict[ReferralId, ConsentRecord]:
    """So many referrals, each under a release of its own, sealed for the one shelter, which has been asked."""
    under: dict[ReferralId, ConsentRecord] = {}
    for _ in range(RACES):
        referral, record = new_referral_id(), release(BIRCH)
        asked, parts = sealing(referral)
        await county.hand_over(county.letter(HOTLINE, granted(record), record.consent_id))
        await county.hand_over(county.letter(HOTLINE, asked, referral, consent=consent_of(record)))
        await county.hand_over(county.letter(HOTLINE, wraps(county, referral, parts, BIRCH), referral))
        under[referral] = record
    await county.producer.flush()
    await county.settled()
    return under


async def test_no_hand_over_follows_a_revocation(own_county: County) -> None:
    """Two brokers decide; each acceptance races its own revocation; both ways of ending happen, and never the third."""
    chance = Random(6)
    async with own_county.broker(), own_county.broker(Process.BROKER):
        under = await _offered(own_county)
        offers = {heard.envelope.subject: made.offer_id for heard, made in own_county.events(OfferMade, org=BIRCH)}
        assert offers.keys() == under.keys()
        letters = [own_county.letter(BIRCH, accepted(offer), referral) for referral, offer in offers.items()]
        letters += [own_county.letter(HOTLINE, revoked(), record.consent_id) for record in under.values()]
        chance.shuffle(letters)
        await asyncio.gather(*(own_county.hand_over(letter) for letter in letters))
        await own_county.producer.flush()
        await own_county.settled()
    rows = await own_county.pool.fetch(_ORDER)
    assert 0 < len(rows) < RACES
    assert [row["referral_id"] for row in rows if row["revoked"] < row["released"]] == []
    received = {heard.envelope.subject for heard, _ in own_county.events(DisclosureReleased, org=BIRCH)}
    asked_back = {heard.envelope.subject for heard, _ in own_county.events(DisclosureRevoked, org=BIRCH)}
    stopped = {row["referral_id"] for row in await own_county.pool.fetch(_NEVER_LEFT, DisclosureReleased.TYPE)}
    assert asked_back - stopped == received, "whoever got something hears that it was taken back, and nobody else"
    assert not stopped & received
    assert received | stopped == {row["referral_id"] for row in rows}
    told = {heard.envelope.subject for heard, _ in own_county.events(OfferWithdrawn, org=BIRCH)}
    assert told == under.keys()


async def test_the_last_use_of_a_release_is_made_once(own_county: County) -> None:
    """maxUses: forty referrals stand on a release for two hand-overs, all are accepted at once, two are handed over."""
    validity = release_wire()["validity"] | {"maxUses": 2}
    record = release(BIRCH, validity=validity)
    async with own_county.broker(), own_county.broker(Process.BROKER):
        await own_county.say(HOTLINE, granted(record), record.consent_id)
        for _ in range(40):
            referral = new_referral_id()
            asked, parts = sealing(referral)
            await own_county.hand_over(own_county.letter(HOTLINE, asked, referral, consent=consent_of(record)))
            await own_county.hand_over(own_county.letter(HOTLINE, wraps(own_county, referral, parts, BIRCH), referral))
        await own_county.settled()
        made = own_county.events(OfferMade, org=BIRCH)
        for heard, offer in made:
            letter = own_county.letter(BIRCH, accepted(offer.offer_id), heard.envelope.subject)
            await own_county.hand_over(letter)
        await own_county.producer.flush()
        await own_county.settled()
    assert len(made) == 40
    assert len(own_county.events(DisclosureReleased, org=BIRCH)) == 2
    assert len(own_county.events(OfferWithdrawn, org=BIRCH)) == 38
