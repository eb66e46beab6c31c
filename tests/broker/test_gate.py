"""What was decided and has not left: a later moment's consent counts, whichever process sends it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from broker import serving
from broker.bus.publisher import Confirmation, Message, Publisher
from broker.composition import Process, broker_parts, broker_signer, kafka_of
from broker.pipeline import Parts
from broker.relay import Relay
from broker.schemas.event import Flow
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_status import ReferralStatus
from broker.store.writing import LEASE_SECONDS
from tests.broker.county import County
from tests.broker.facts import HOTLINE, POLICE, accepted, consent_of, declined, granted, release, request, revoked
from tests.broker.letters import until


class Deaf(Publisher):
    """A producer whose Kafka never answers: nothing is confirmed."""

    async def queue(self, messages: Sequence[Message], by: float) -> list[Confirmation]:
        return [None] * len(messages)

    async def confirmed(self, queued: Sequence[Confirmation], by: float) -> list[bool]:
        return [False] * len(queued)


@asynccontextmanager
async def parts(county: County) -> AsyncIterator[Parts]:
    """What a process of the broker works with."""
    async with broker_parts(county.settings, broker_signer(county.settings)) as made:
        yield made


@asynccontextmanager
async def deaf_intake(county: County) -> AsyncIterator[None]:
    """An intake that decides and stores, and whose messages all stay in the outbox."""
    async with parts(county) as made:
        made.publisher = Deaf({}, None)
        async with serving.intake(made, kafka_of(county.settings)):
            yield


async def taken(county: County, count: int) -> None:
    """So many events have been taken in."""

    async def enough() -> bool:
        return bool(await county.pool.fetchval("SELECT count(*) >= $1 FROM inbox", count))

    await until(enough)


async def lease_ends(county: County) -> None:
    """As if the time had passed that the deciding process has its messages to itself."""
    past = timedelta(seconds=LEASE_SECONDS + 1)
    await county.pool.execute("UPDATE outbox SET send_after = send_after - $1::interval", past)


async def _queued_offers(county: County) -> ReferralId:
    """A referral under a release, with its offers decided, stored, and not sent."""
    record, referral = release(), new_referral_id()
    async with deaf_intake(county):
        await county.say(HOTLINE, granted(record), record.consent_id)
        await taken(county, 1)
        await county.say(HOTLINE, request(), referral, consent=consent_of(record))
        await taken(county, 2)
        assert len(await county.offers(referral, state="MADE")) == 2
        await county.say(HOTLINE, revoked(), record.consent_id)
        await taken(county, 3)
    return referral


async def test_a_message_that_waited_does_not_leave_after_the_revocation(own_county: County) -> None:
    """Two offers are stored and not sent; she revokes; the relay asks again, sends neither, and the trail says so."""
    referral = await _queued_offers(own_county)
    assert await own_county.pool.fetchval("SELECT count(*) FROM outbox WHERE phase = 'OFFER'") == 2
    await lease_ends(own_county)
    async with parts(own_county) as made:
        relay = Relay(made)
        while await relay.turn():
            pass
    await own_county.settled()
    assert not own_county.facts(OfferMade, about=referral)
    assert len(own_county.facts(OfferWithdrawn, about=referral)) == 2
    assert (await own_county.steps(referral)).count("send.stopped") == 2


async def test_what_nobody_is_sending_is_stopped_by_the_revocation_itself(own_county: County) -> None:
    """Two offers wait for a relay that is not there; she revokes: they are gone at once, and the trail says so."""
    record, referral = release(), new_referral_id()
    async with deaf_intake(own_county):
        await own_county.say(HOTLINE, granted(record), record.consent_id)
        await taken(own_county, 1)
        await own_county.say(HOTLINE, request(), referral, consent=consent_of(record))
        await taken(own_county, 2)
        offers = await own_county.offers(referral, state="MADE")
        await lease_ends(own_county)
        await own_county.say(HOTLINE, revoked(), record.consent_id)
        await taken(own_county, 3)
    assert len(offers) == 2
    assert await own_county.pool.fetchval("SELECT count(*) FROM outbox WHERE phase = 'OFFER'") == 0
    assert (await own_county.steps(referral)).count("send.stopped") == 2


async def test_a_message_that_waited_leaves_where_the_consent_still_stands(own_county: County) -> None:
    """Nobody revokes: the relay asks again and sends what its process did not get confirmed; the trail says so."""
    referral = new_referral_id()
    async with deaf_intake(own_county):
        await own_county.say(POLICE, request(), referral)
        await taken(own_county, 1)
    await lease_ends(own_county)
    async with own_county.broker(Process.RELAY):
        await own_county.settled()
    assert len(own_county.facts(OfferMade, about=referral)) == 2
    assert (await own_county.steps(referral)).count("send.repeated") >= 2


async def test_nobody_overtakes_a_message_that_waits(own_county: County) -> None:
    """An offer waits in the outbox; what follows of its referral, by any process, comes after it at the provider."""
    referral = new_referral_id()
    async with deaf_intake(own_county):
        await own_county.say(POLICE, request(priority="P2"), referral)
        await taken(own_county, 1)
    [offer] = await own_county.offers(referral)
    async with own_county.broker(Process.BROKER):
        await own_county.say(offer["provider"], accepted(offer["offer_id"]), referral)
        await taken(own_county, 2)
        await own_county.listen()
        assert not [one for one in own_county.heard if one.envelope.subject == referral]
    await lease_ends(own_county)
    async with own_county.broker(Process.RELAY):
        await own_county.settled()
    told = [one.envelope.type.split(".")[2:4] for one in own_county.heard if one.org == POLICE]
    assert told == [["event", "accepted"], ["recipient", "chosen"], ["referral", "status"]]


async def test_a_decline_that_waited_is_not_told_by_a_relay(own_county: County) -> None:
    """It rested on the release of whoever declined, which a relay cannot ask again: it is stopped, and that is told."""
    referral = new_referral_id()
    async with own_county.broker():
        await own_county.say(POLICE, request(priority="P2"), referral)
        await own_county.settled()
        [(heard, made)] = own_county.events(OfferMade, about=referral)
        record = release(
            POLICE, by=heard.org, purposes=["STATUS_FEEDBACK"], dataScope={"fieldGroups": ["FG25"], "maxTier": 4}
        )
        letter = own_county.letter(heard.org, granted(record), record.consent_id, flow=Flow.PROVIDER_TO_BROKER)
        await own_county.post(letter)
        await own_county.settled()
    async with deaf_intake(own_county):
        await own_county.say(heard.org, declined(made.offer_id), referral, consent=consent_of(record))
        await taken(own_county, 3)
    waits = "SELECT count(*) FROM outbox WHERE convert_from(value, 'UTF8') LIKE '%declineFamily%'"
    assert await own_county.pool.fetchval(waits) == 1
    await lease_ends(own_county)
    async with own_county.broker(Process.RELAY):
        await own_county.settled()
    assert not [told for told in own_county.facts(ReferralStatus, about=referral) if told.decline_family]
    assert (await own_county.steps(referral)).count("send.stopped") == 1


async def test_two_relays_send_each_message_once(own_county: County) -> None:
    """Lanes are shared out by row locks: a hundred messages, two relays, each message once."""
    async with deaf_intake(own_county):
        for _ in range(30):
            await own_county.say(POLICE, request(), new_referral_id())
        await taken(own_county, 30)
    await lease_ends(own_county)
    async with own_county.broker(Process.RELAY), own_county.broker(Process.RELAY):
        await own_county.settled()
    ids = [one.envelope.id for one in own_county.heard]
    assert len(ids) == len(set(ids)) >= 90
