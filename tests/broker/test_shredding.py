"""What has served is destroyed in the broker: keys first, then ciphertexts, with an entry of the trail."""

import pytest
from pydantic_core import from_json

from broker.commands.explain import _told
from broker.explaining import Now
from broker.rulings import destroyed_of
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import KeyId, OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineReason, NeedState, Service
from broker.store.keys import revoke_key
from broker.store.questions import trail_of
from broker.store.shredding import shred
from broker.trail.entries import fresh_salt
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, POLICE, accepted, consent_of, granted, release, revoked
from tests.broker.letters import until
from tests.broker.test_release import Sealed, accepting, sealing, wraps

of_the_session = pytest.mark.asyncio(loop_scope="session")


async def hours_pass(county: County, referral: str, hours: int) -> None:
    """As if all that has happened to this referral so far had happened so many hours earlier."""
    earlier = "{0} = {0} - $2::int * interval '1 hour'"
    for name, columns in (
        ("referral", ("received_at", "shred_look_at")),
        ("need", ("changed_at", "expires_at")),
        ("disclosure", ("released_at",)),
    ):
        moved = ", ".join(earlier.format(column) for column in columns)
        await county.pool.execute(f"UPDATE {name} SET {moved} WHERE referral_id = $1", referral, hours)


async def looked(county: County) -> None:
    """Wait until all that is due was looked at, by the clock or by us: what one of them holds the other passes by."""

    async def nothing_due() -> bool:
        async with county.pool.acquire() as connection, connection.transaction():
            await shred(connection, county.settings.broker_org)
        return not await county.pool.fetchval("SELECT count(*) FROM referral WHERE shred_look_at <= now()")

    await until(nothing_due)


async def held(county: County, referral: str) -> tuple[int, int]:
    """How many wrapped keys and how many ciphertexts of this referral the broker holds."""
    keys = await county.pool.fetchval("SELECT count(*) FROM wrapped_key WHERE referral_id = $1", referral)
    return keys, await county.pool.fetchval("SELECT count(*) FROM sealed_group WHERE referral_id = $1", referral)


async def shredded(county: County, referral: str) -> list[dict[str, list[str]]]:
    """What the trail says of it."""
    rows = await county.pool.fetch(
        "SELECT preimage FROM trail_entry WHERE referral_id = $1 AND kind = 'payload.shredded' ORDER BY idx", referral
    )
    wanted = ("keysOf", "keys", "ciphertexts", "because")
    return [{name: told[name] for name in wanted if name in told} for told in (from_json(r[0]) for r in rows)]


async def named(county: County) -> tuple[ReferralId, str, Sealed]:
    """A referral under a release that names both shelters, its keys wrapped for both; also its consent's id."""
    referral, record = new_referral_id(), release(BIRCH, CEDAR)
    asked, parts = sealing(referral)
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    await county.say(HOTLINE, asked, referral, consent=consent_of(record))
    await county.say(HOTLINE, wraps(county, referral, parts, BIRCH, CEDAR), referral)
    await county.settled()
    return referral, record.consent_id, parts


async def taken_on(county: County, referral: ReferralId) -> tuple[OrgId, OfferId]:
    """The shelter that was asked accepts and is in touch."""
    org, offer = await accepting(county, referral)
    await county.say(org, ContactMade(offer_id=offer), referral)
    await county.settled()
    return org, offer


@of_the_session
async def test_a_day_after_the_receipt_every_wrapped_key_is_gone_and_a_day_before_none(served: County) -> None:
    """Those of the shelters that were not chosen, too; the trail says whose and why; once destroyed, told once."""
    referral, _, parts = await named(served)
    await taken_on(served, referral)
    await hours_pass(served, referral, 23)
    await looked(served)
    assert await held(served, referral) == (4, 2)
    await hours_pass(served, referral, 2)
    await looked(served)
    assert await held(served, referral) == (0, 2), "it may still be given back: its source can wrap anew"
    groups = sorted(part.field_group for part, _ in parts)
    told = [{"keysOf": sorted([BIRCH, CEDAR]), "keys": groups, "because": ["HANDED_OVER"]}]
    assert await shredded(served, referral) == told
    await hours_pass(served, referral, 30)
    await looked(served)
    assert await shredded(served, referral) == told


@of_the_session
async def test_when_the_service_has_begun_the_ciphertexts_follow(served: County) -> None:
    """Nobody else can be asked from then on."""
    referral, _, parts = await named(served)
    org, offer = await taken_on(served, referral)
    await served.say(org, ServiceStarted(offer_id=offer, service=Service.EMERGENCY_SHELTER), referral)
    await served.settled()
    await hours_pass(served, referral, 25)
    await looked(served)
    assert await held(served, referral) == (0, 0)
    async with served.pool.acquire() as connection, connection.transaction():
        [one] = destroyed_of(await trail_of(connection, referral, "role:tester", fresh_salt()))
    lines = "\n".join(_told(referral, Now(HOTLINE, "a pack", NeedState.IN_SERVICE, (), ()), (), [one]))
    assert "ciphertexts of FG03, FG04" in lines
    assert "it was handed over" in lines
    [told] = await shredded(served, referral)
    assert told["ciphertexts"] == sorted(part.field_group for part, _ in parts)


@of_the_session
async def test_what_nobody_has_accepted_yet_is_kept_for_whoever_will(served: County) -> None:
    """Two days on a waiting offer: nothing goes, and the acceptance hands over."""
    referral, _, _ = await named(served)
    await hours_pass(served, referral, 30)
    await looked(served)
    assert await held(served, referral) == (4, 2)
    await accepting(served, referral)
    assert served.facts(DisclosureReleased, about=referral)


@of_the_session
async def test_a_revocation_destroys_at_once_what_nothing_else_permits(served: County) -> None:
    """Within seconds of the survivor's word, without waiting for a day to pass; keys that come later are not kept."""
    referral, consent, parts = await named(served)
    await accepting(served, referral)
    await served.say(HOTLINE, revoked(), consent)
    await served.settled()

    async def gone() -> bool:
        return await held(served, referral) == (0, 0)

    assert await until(gone)
    [told] = await shredded(served, referral)
    assert told["because"] == ["NEED_OVER"]
    await served.say(HOTLINE, wraps(served, referral, parts, BIRCH), referral)
    await served.settled()
    assert await held(served, referral) == (0, 0)


@of_the_session
async def test_a_need_that_is_given_back_late_is_wrapped_anew_by_its_source(served: County) -> None:
    """The keys are gone by then: the source is told whom the next one is, and the hand-over goes on as before."""
    referral, _, parts = await named(served)
    org, offer = await taken_on(served, referral)
    await hours_pass(served, referral, 30)
    await served.pool.execute("UPDATE need SET expires_at = now() + interval '1 day' WHERE referral_id = $1", referral)
    await looked(served)
    assert await held(served, referral) == (0, 2)
    await served.say(org, OfferDeclined(offer_id=offer, reason=DeclineReason.NO_CAPACITY_BEDS), referral)
    await served.settled()
    [second] = await served.offers(referral, state="MADE")
    other = OrgId(second["provider"])
    assert other != org
    await served.say(other, accepted(OfferId(second["offer_id"])), referral)
    await served.settled()
    [chosen] = served.facts(RecipientChosen, org=HOTLINE, about=referral)
    assert chosen.recipient == other
    await served.say(HOTLINE, wraps(served, referral, parts, other), referral)
    await served.settled()
    [released] = served.facts(DisclosureReleased, org=other, about=referral)
    assert len(released.sealed) == len(parts)


@of_the_session
async def test_what_is_gone_altogether_comes_before_a_human_and_is_not_passed_over(served: County) -> None:
    """After three weeks an acceptance finds nothing to hand over: a person must ask the source to publish anew."""
    referral = new_referral_id()
    asked, _ = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    await hours_pass(served, referral, 22 * 24)
    await served.pool.execute("UPDATE need SET expires_at = now() + interval '1 day' WHERE referral_id = $1", referral)
    await looked(served)
    assert await held(served, referral) == (0, 0)
    await accepting(served, referral)
    assert "PAYLOAD_SHREDDED" in await served.work(referral)
    assert not served.facts(DisclosureReleased, about=referral)
    assert not served.facts(RecipientChosen, about=referral)


async def test_a_stolen_key_is_still_found_in_what_was_handed_over(own_county: County) -> None:
    """The wrapped keys are gone, and yet whoever stole the key may hold a copy: the source and survivor must hear."""
    async with own_county.broker():
        referral, _, parts = await named(own_county)
        org, _ = await taken_on(own_county, referral)
        await hours_pass(own_county, referral, 25)
        await looked(own_county)
    assert await held(own_county, referral) == (0, 2)
    async with own_county.pool.acquire() as connection:
        found = await revoke_key(connection, KeyId(f"{org}#seal-1"))
    assert found is not None
    [exposed] = found.exposed
    assert (exposed.referral_id, set(exposed.groups)) == (referral, {part.field_group for part, _ in parts})


@of_the_session
async def test_a_backlog_is_found_by_its_index_alone(served: County) -> None:
    """However many referrals there are: those that are not due are not read."""
    async with served.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch(
            "EXPLAIN SELECT referral_id FROM referral WHERE shred_look_at <= now() ORDER BY shred_look_at LIMIT 200"
        )
    text = "\n".join(row[0] for row in plan)
    assert "referral_to_shred" in text
    assert "Sort" not in text
