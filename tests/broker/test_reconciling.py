"""The tables say what the trail says; what was changed behind its back is named."""

from broker.schemas.ids import new_referral_id
from broker.store.reconciling import differences
from tests.broker.county import County
from tests.broker.facts import POLICE, accepted, request
from tests.broker.letters import until


async def test_tables_and_trail_agree_until_somebody_changes_a_table(own_county: County) -> None:
    """Referrals that are offered and taken: no difference. Then a need, an offer and a whole row are tampered with."""
    first, second = new_referral_id(), new_referral_id()
    async with own_county.broker():
        for referral in (first, second):
            await own_county.say(POLICE, request(), referral)
        await own_county.settled()
        await until(lambda: own_county.pool.fetchval("SELECT count(*) >= 2 FROM offer"))
        [offer, *_] = await own_county.offers(first)
        await own_county.say(offer["provider"], accepted(offer["offer_id"]), first)
        await own_county.settled()
    async with own_county.pool.acquire() as connection:
        compared, found = await differences(connection)
        assert (found, compared >= 4) == ([], True)
        state = (await own_county.need(first))["state"]
        await connection.execute("UPDATE need SET state = 'COMPLETED' WHERE referral_id = $1", first)
        await connection.execute("UPDATE offer SET state = 'EXPIRED' WHERE offer_id = $1", offer["offer_id"])
        await connection.execute("DELETE FROM need WHERE referral_id = $1", second)
        _, found = await differences(connection)
    told = {(one.what, one.referral_id, one.name): (one.table, one.trail) for one in found}
    assert told.pop(("need", first, "SHELTER")) == ("COMPLETED", state)
    assert told.pop(("offer", first, offer["offer_id"])) == ("EXPIRED", "ACCEPTED")
    [(gone, states)] = told.items()
    assert (gone, states[0]) == (("need", second, "SHELTER"), None)
