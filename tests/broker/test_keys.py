"""Keys of organisations at the broker: whose they are, what a stolen one stops, and who owes keys that do not come."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.relay import Relay
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.ids import KeyId, new_referral_id
from broker.schemas.recipient_chosen import RecipientChosen
from broker.seal.errors import KeyExists, PublicKeyRefused
from broker.seal.keys import OperatorKey, SigningKey
from broker.store.keys import register_key, revoke_key, rotate_key
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, POLICE, accepted, consent_of, declined, granted, release
from tests.broker.letters import until
from tests.broker.test_gate import deaf_intake, lease_ends, parts, taken
from tests.broker.test_release import accepting, sealing, wraps

NOW = datetime.now(UTC)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_card_is_registered_for_its_own_organisation_and_never_over_another(served: County) -> None:
    """A key of another's, a directory key, another key under a known id, a key of nobody: none is registered."""
    card = SigningKey.new(KeyId(f"{BIRCH}#later")).card(NOW)
    async with served.pool.acquire() as connection:
        with pytest.raises(PublicKeyRefused):
            await register_key(connection, CEDAR, card)
        with pytest.raises(PublicKeyRefused):
            await register_key(connection, BIRCH, OperatorKey.new(KeyId(f"{BIRCH}#directory")).card(NOW))
        with pytest.raises(PublicKeyRefused):
            await rotate_key(connection, SigningKey.new(KeyId("org-nobody#1")).card(NOW), timedelta(days=1))
        await register_key(connection, BIRCH, card)
        await register_key(connection, BIRCH, card)
        with pytest.raises(KeyExists):
            await register_key(connection, BIRCH, SigningKey.new(card.key_id).card(NOW))
        assert await revoke_key(connection, card.key_id) is not None
        await register_key(connection, BIRCH, card)
        assert await revoke_key(connection, card.key_id) is None


async def test_what_waited_to_leave_under_a_stolen_key_stays_and_is_asked_for_anew(own_county: County) -> None:
    """Handed over by decision, not by Kafka yet: the relay stops it and names the choice to the source once more."""
    county, referral, record = own_county, new_referral_id(), release(BIRCH)
    asked, sealed = sealing(referral)
    async with deaf_intake(county):
        await county.say(HOTLINE, granted(record), record.consent_id)
        await taken(county, 1)
        await county.say(HOTLINE, asked, referral, consent=consent_of(record))
        await county.say(HOTLINE, wraps(county, referral, sealed, BIRCH), referral)
        await taken(county, 3)
        [offer] = await county.offers(referral, state="MADE")
        await county.say(BIRCH, accepted(offer["offer_id"]), referral)
        await taken(county, 4)
    assert await county.pool.fetchval("SELECT count(*) FROM outbox WHERE phase = 'RELEASE'") == 2
    async with county.pool.acquire() as connection:
        revoked = await revoke_key(connection, KeyId(f"{BIRCH}#seal-1"))
    assert revoked is not None
    assert revoked.destroyed == len(sealed)
    await lease_ends(county)
    async with parts(county) as made:
        relay = Relay(made)
        while await relay.turn():
            await lease_ends(county)
    await county.settled()
    assert not county.facts(DisclosureKeyed, about=referral), "what has left are ciphertexts alone"
    [chosen] = county.facts(RecipientChosen, org=HOTLINE, about=referral)
    assert (chosen.recipient, chosen.key_ids) == (BIRCH, ())
    assert {"send.stopped", "recipient.named"} <= set(await county.steps(referral))


async def test_a_stolen_key_of_who_gave_the_referral_back_is_told_too(own_county: County) -> None:
    """Handed over, then declined: what was read with that key stays read, whoever has the referral now."""
    county, referral, record = own_county, new_referral_id(), release(BIRCH)
    asked, sealed = sealing(referral)
    async with county.broker():
        await county.say(HOTLINE, granted(record), record.consent_id)
        await county.settled()
        await county.say(HOTLINE, asked, referral, consent=consent_of(record))
        await county.say(HOTLINE, wraps(county, referral, sealed, BIRCH), referral)
        await county.settled()
        _, offer = await accepting(county, referral)
        assert county.facts(DisclosureKeyed, org=BIRCH, about=referral)
        await county.say(BIRCH, declined(offer), referral)
        await county.settled()
    async with county.pool.acquire() as connection:
        revoked = await revoke_key(connection, KeyId(f"{BIRCH}#seal-1"))
    assert revoked is not None
    [exposed] = revoked.exposed
    assert (exposed.referral_id, exposed.source, set(exposed.groups)) == (
        referral, HOTLINE, {part.field_group for part, _ in sealed},
    )  # fmt: skip
    assert "KEY_REVOKED" in await county.work(referral)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_source_that_does_not_wrap_its_keys_comes_before_a_human(served: County) -> None:
    """The wait for wrapped keys has a deadline and an owner; after it somebody of the network is told, once."""
    referral = new_referral_id()
    asked, _ = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    await accepting(served, referral)
    need = await served.need(referral)
    assert (need["next_action"], need["owner"]) == ("CHASE_KEYS", POLICE)
    [chosen] = served.facts(RecipientChosen, org=POLICE, about=referral)
    assert chosen.answer_by == need["due_at"]
    past = datetime.now(UTC) - timedelta(seconds=1)
    await served.pool.execute("UPDATE need SET due_at = $1 WHERE referral_id = $2", past, referral)

    async def raised() -> list[str]:
        rows = await served.pool.fetch("SELECT reason FROM work_item WHERE referral_id = $1", referral)
        return [row["reason"] for row in rows]

    assert await until(raised) == ["KEYS_OVERDUE"]
    assert (await served.need(referral))["owner"] == POLICE
