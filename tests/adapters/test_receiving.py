"""What the broker says is stored once, receipted once, believed only when signed, and kept apart by organisation."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import NoSuchProvider, OfferNotFound
from adapters.standing import Standing
from broker.schemas.ids import KeyId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, MsgStatus, RecipientCategory
from broker.seal.keys import SigningKey
from tests.adapters.network import BROKER, Installation, example_offer, until
from tests.conftest import KafkaForTest


async def _aside(installation: Installation) -> list[str]:
    return [row["code"] for row in await installation.rows("SELECT code FROM set_aside ORDER BY code")]


async def test_an_offer_is_stored_and_receipted_once_however_often_it_comes(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Kafka delivers at least once; a person sees one offer, and the broker one receipt."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    offer_id, referral = new_offer_id(), new_referral_id()
    event_id = await voice.say(haven, example_offer(RecipientCategory.SHELTER, offer_id), referral, times=3)
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        await until(inbox.offers)
        await voice.say(haven, example_offer(RecipientCategory.SHELTER, offer_id), referral, event_id=event_id)
        last, _ = await voice.offer(haven)
        answers = await voice.answers(haven, count=2)
        seen = await inbox.offers()
    assert [answer.event_class for answer in answers] == [OfferReceipted, OfferReceipted]
    assert {OfferReceipted.read(answer.data).offer_id for answer in answers} == {offer_id, last}
    assert answers[0].envelope.causationid == event_id
    assert answers[0].envelope.subject == referral
    assert {offer.offer_id for offer in seen} == {offer_id, last}
    assert all(offer.standing is Standing.WAITING for offer in seen)


async def test_an_offer_withdrawn_before_it_came_is_never_shown(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The tombstone wins over the offer that comes after it, and nothing of the offer is kept."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    offer_id, referral = new_offer_id(), new_referral_id()
    await voice.withdraw(haven, offer_id, referral)
    await voice.offer(haven, offer_id=offer_id, referral=referral)
    other, _ = await voice.offer(haven)
    async with installation.running() as zone:
        seen = await until(zone.inbox(haven).offers)
        answers = await voice.answers(haven, count=1)
        gone = await zone.inbox(haven).find(offer_id)
    assert [offer.offer_id for offer in seen] == [other]
    assert OfferReceipted.read(answers[0].data).offer_id == other
    assert (gone.standing, gone.offer) == (Standing.WITHDRAWN, None)


async def test_an_expired_offer_leaves_the_list_with_its_content(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """What nobody answered in time is closed and forgotten."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    offer_id, referral = await voice.offer(haven)
    await voice.expire(haven, offer_id, referral)
    last, _ = await voice.offer(haven)
    async with installation.running() as zone:
        seen = await until(zone.inbox(haven).offers)
        gone = await zone.inbox(haven).find(offer_id)
    assert [offer.offer_id for offer in seen] == [last]
    assert (gone.standing, gone.offer) == (Standing.EXPIRED, None)


async def test_two_organisations_of_one_installation_never_see_each_others_offers(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The other's offer is answered like one that is not there, by id, by reference, in lists and when answered."""
    haven, harbour = await installation.serve(kafka.org("haven")), await installation.serve(kafka.org("harbour"))
    voice = installation.voice
    ours, referral = await voice.offer(haven)
    theirs, _ = await voice.offer(harbour)
    same_referral, _ = await voice.offer(harbour, referral=referral)
    async with installation.running() as zone:
        here, there = zone.inbox(haven), zone.inbox(harbour)
        await until(here.offers)

        async def both() -> bool:
            return len(await there.offers()) == 2

        await until(both)
        reference = (await here.find(ours)).reference
        assert [offer.offer_id for offer in await here.offers(everything=True)] == [ours]
        assert (await here.find(reference)).offer_id == ours
        assert (await there.find(reference)).offer_id == same_referral
        for foreign in (theirs, same_referral):
            with pytest.raises(OfferNotFound):
                await here.find(foreign)
            with pytest.raises(OfferNotFound):
                await here.accept(foreign)
        with pytest.raises(NoSuchProvider):
            zone.inbox(kafka.org("elsewhere"))
    assert {(row["org_id"], row["subject"]) for row in await installation.rows("SELECT * FROM answer")} == {
        (haven, referral),
        (harbour, referral),
        (harbour, (await installation.rows("SELECT referral_id FROM offer WHERE offer_id = $1", theirs))[0][0]),
    }


async def test_what_the_broker_did_not_sign_is_set_aside_by_code_and_never_shown(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """A foreign key, a drill, another kind's offer: each is set aside with its code and its place, without content."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    stranger = SigningKey.new(KeyId(f"{BROKER}#test"))
    unknown = SigningKey.new(KeyId(f"{BROKER}#other"))
    await voice.offer(haven, key=stranger)
    await voice.offer(haven, key=unknown)
    await voice.offer(haven, environment=MsgStatus.EXERCISE)
    await voice.offer(haven, RecipientCategory.LEGAL_AID)
    await voice.refuse(haven, new_event_id(), RefusalCode.OFFER_TAKEN, new_referral_id())
    good, _ = await voice.offer(haven)
    async with installation.running() as zone:
        seen = await until(zone.inbox(haven).offers)
        aside = await zone.inbox(haven).aside()
    assert [offer.offer_id for offer in seen] == [good]
    assert await _aside(installation) == [
        "ANSWER_UNKNOWN",
        "CATEGORY_NOT_OURS",
        "KEY_UNKNOWN",
        "SIGNATURE_INVALID",
        "WRONG_ENVIRONMENT",
    ]
    assert all(seen.place.startswith(kafka.prefix) for seen in aside)


async def test_a_new_organisation_is_served_without_a_restart(installation: Installation, kafka: KafkaForTest) -> None:
    """Its folder is noticed while the process runs."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        harbour = await installation.serve(kafka.org("harbour"))
        await installation.voice.offer(harbour)
        await installation.voice.offer(haven)
        await zone.refresh()
        assert await until(zone.inbox(harbour).offers)
        assert await until(zone.inbox(haven).offers)


async def test_two_copies_share_the_work_and_do_it_once(installation: Installation, kafka: KafkaForTest) -> None:
    """Any number of copies: each offer is stored once and receipted once."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as one, installation.running():
        made = {(await installation.voice.offer(haven))[0] for _ in range(20)}

        async def all_there() -> bool:
            return len(await one.inbox(haven).offers()) == len(made)

        await until(all_there)
        answers = await installation.voice.answers(haven, count=len(made))
    assert sorted(OfferReceipted.read(answer.data).offer_id for answer in answers) == sorted(made)


async def test_a_reminder_that_no_receipt_has_come_is_answered_with_another(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The broker has not heard of an offer: it hears again that we have it. A decision is owed by people alone."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    offer_id, referral = await voice.offer(haven)
    for owed in (Acknowledgment.A3_DECIDED, Acknowledgment.A2_RECEIPTED):
        due_at = datetime.now(UTC) + timedelta(hours=1)
        told = OfferReminded(offer_id=offer_id, level=EscalationLevel.L1_ON_CALL, owed=owed, due_at=due_at)
        reminder = await voice.say(haven, told, referral)
    async with installation.running() as zone:
        await until(zone.inbox(haven).offers)
        answers = await voice.answers(haven, count=2)
        assert await _aside(installation) == []
    assert [answer.event_class for answer in answers] == [OfferReceipted, OfferReceipted]
    assert answers[1].envelope.causationid == reminder
    assert {OfferReceipted.read(answer.data).offer_id for answer in answers} == {offer_id}
