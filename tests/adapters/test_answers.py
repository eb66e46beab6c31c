"""An answer is stored with its effect at once, sent once under one id, and put back where the broker refuses it."""

import asyncio
from collections import Counter

import pytest

from adapters.errors import AnswerNotPossible, OfferNotFound
from adapters.inbox.answering import Answered, Release
from adapters.inbox.inbox import Inbox
from adapters.standing import Standing
from broker.schemas.capacity_updated import CapacityUnit, CapacityUpdated
from broker.schemas.contact_attempted import AttemptOutcome, ContactAttempted
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.event import Flow
from broker.schemas.ids import OfferId, OrgId, new_consent_id, new_event_id, new_offer_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import (
    CapacityBucket,
    DeclineReason,
    Outcome,
    RecipientCategory,
    Service,
    SurvivorClosure,
)
from broker.seal.signature import VerifiedSignature, verify
from tests.adapters.network import Installation, until
from tests.conftest import KafkaForTest


async def _offered(installation: Installation, inbox: Inbox, org: OrgId) -> tuple[OfferId, str]:
    offer_id, referral = await installation.voice.offer(org)

    async def there() -> bool:
        return any(offer.offer_id == offer_id for offer in await inbox.offers())

    await until(there)
    return offer_id, referral


async def test_a_whole_way_from_offer_to_outcome(installation: Installation, kafka: KafkaForTest) -> None:
    """Accepted, attempted, reached, in service, completed: each an event of its own, in the order it was given."""
    haven = await installation.serve(kafka.org("haven"))
    release = Release(new_consent_id(), 2)
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await _offered(installation, inbox, haven)
        await inbox.accept(offer_id, by=AcceptedBy.ON_CALL, release=release)
        await inbox.contact_attempted(offer_id, AttemptOutcome.NO_ANSWER)
        await inbox.contact_attempted(offer_id, AttemptOutcome.LINE_BUSY)
        await inbox.contact_made(offer_id)
        await inbox.service_started(offer_id, Service.EMERGENCY_SHELTER)
        done = await inbox.service_completed(offer_id, Outcome.SHELTERED)
        answers = await installation.voice.answers(haven, count=7)
    assert done.standing is Standing.COMPLETED
    assert [answer.envelope.type.split(".", 2)[2] for answer in answers] == [
        "offer.receipted.v1",
        "offer.accepted.v1",
        "contact.attempted.v1",
        "contact.attempted.v1",
        "contact.made.v1",
        "service.started.v1",
        "service.completed.v1",
    ]
    assert {(a.envelope.subject, a.envelope.offerid, a.envelope.org) for a in answers} == {(referral, offer_id, haven)}
    assert (answers[1].envelope.consentid, answers[1].envelope.consentver) == (release.consent_id, 2)
    assert OfferAccepted.read(answers[1].data).accepted_by is AcceptedBy.ON_CALL
    assert [ContactAttempted.read(answer.data).attempt for answer in answers[2:4]] == [1, 2]


async def test_nothing_is_accepted_without_a_person(installation: Installation, kafka: KafkaForTest) -> None:
    """An offer that nobody answers gets a receipt and no more (domain.md §10.2: no auto-placement)."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        await _offered(installation, zone.inbox(haven), haven)
        await installation.voice.answers(haven, count=1)
        types = [row["type"] for row in await installation.rows("SELECT type FROM answer")]
    assert types == [OfferReceipted.TYPE]


async def test_every_answer_is_signed_by_its_own_organisation(installation: Installation, kafka: KafkaForTest) -> None:
    """One process serves two organisations; each one's answers bear its own key."""
    from aiokafka import AIOKafkaConsumer

    orgs = [await installation.serve(kafka.org(name)) for name in ("haven", "harbour")]
    voice = installation.voice
    async with installation.running() as zone:
        for org in orgs:
            await zone.inbox(org).capacity(Service.EMERGENCY_SHELTER, CapacityUnit.CRIB, CapacityBucket.FEW)
        keys = {org: zone.inbox(org).provider.signing_key.public for org in orgs}
        for org in orgs:
            topic = voice.topics.name(Flow.PROVIDER_TO_BROKER, org)
            async with AIOKafkaConsumer(topic, **voice.kafka, auto_offset_reset="earliest") as consumer:
                record = await asyncio.wait_for(consumer.getone(), 20)
            found = verify(record.headers, record.value, org, {key.key_id: key for key in keys.values()}.get)
            assert found == VerifiedSignature(org, keys[org].key_id)
            assert record.key == org.encode()
            assert CapacityUpdated.read(record.value).available is CapacityBucket.FEW


async def test_one_of_fifty_people_answers_and_the_others_are_told(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Fifty at once, yes and no: one answer is stored and sent, the others hear that it is answered (lessons.md §5)."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, _ = await _offered(installation, inbox, haven)

        async def one(number: int) -> str:
            try:
                if number % 2:
                    await inbox.accept(offer_id)
                else:
                    await inbox.decline(offer_id, DeclineReason.NO_CAPACITY_BEDS)
            except AnswerNotPossible as not_possible:
                return not_possible.code.value
            return "stored"

        said = Counter(await asyncio.gather(*map(one, range(50))))
        stored = await installation.rows("SELECT count(*) FROM answer WHERE type <> $1", OfferReceipted.TYPE)
    assert said == {"stored": 1, "OFFER_ALREADY_ANSWERED": 49}
    assert stored[0][0] == 1


async def test_the_same_event_id_twice_is_one_answer(installation: Installation, kafka: KafkaForTest) -> None:
    """A door that is not sure asks again; another content under the same id is refused."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, _ = await _offered(installation, inbox, haven)
        yes, event_id = OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF), new_event_id()
        first, second = [await inbox.answer(offer_id, yes, event_id=event_id) for _ in range(2)]
        no = OfferDeclined(offer_id=offer_id, reason=DeclineReason.NO_FUNDING)
        with pytest.raises(AnswerNotPossible) as refused:
            await inbox.answer(offer_id, no, event_id=event_id)
    assert first == Answered(event_id, Standing.CONTACT_PENDING)
    assert second == Answered(event_id, Standing.CONTACT_PENDING, repeated=True)
    assert refused.value.code is RefusalCode.ID_REUSED


async def test_impossible_answers_are_refused_with_the_brokers_code(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Out of order, twice, of another kind, to no offer: a code each, and nothing is stored."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, _ = await _offered(installation, inbox, haven)
        before = await installation.rows("SELECT count(*) FROM answer")
        for attempt, code in (
            (inbox.contact_made(offer_id), RefusalCode.TRANSITION_IMPOSSIBLE),
            (inbox.contact_unreachable(offer_id), RefusalCode.TRANSITION_IMPOSSIBLE),
            (inbox.service_started(offer_id, Service.EMERGENCY_SHELTER), RefusalCode.TRANSITION_IMPOSSIBLE),
            (inbox.service_ended(offer_id, SurvivorClosure.NO_LONGER_NEEDED), RefusalCode.TRANSITION_IMPOSSIBLE),
            (inbox.decline(offer_id, DeclineReason.CONFLICT_OF_INTEREST), RefusalCode.ANSWER_NOT_OFFERED),
            (inbox.service_started(offer_id, Service.LEGAL_ADVICE), RefusalCode.ANSWER_NOT_OFFERED),
            (
                inbox.capacity(Service.EMERGENCY_SHELTER, CapacityUnit.CASELOAD, CapacityBucket.NONE),
                RefusalCode.ANSWER_NOT_OFFERED,
            ),
        ):
            with pytest.raises(AnswerNotPossible) as refused:
                await attempt
            assert refused.value.code is code
        with pytest.raises(OfferNotFound):
            await inbox.accept(new_offer_id())
        assert await installation.rows("SELECT count(*) FROM answer") == before


@pytest.mark.parametrize(
    ("code", "standing", "told"),
    [
        (RefusalCode.OFFER_TAKEN, Standing.WITHDRAWN, False),
        (RefusalCode.OFFER_EXPIRED, Standing.EXPIRED, False),
        (RefusalCode.SIGNATURE_INVALID, Standing.WAITING, True),
    ],
)
async def test_what_the_broker_refuses_is_put_back_and_told(
    installation: Installation, kafka: KafkaForTest, code: RefusalCode, standing: Standing, told: bool
) -> None:
    """Somebody else was quicker: the offer closes. A fault of ours: it waits again. Both say why."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await _offered(installation, inbox, haven)
        answered = await inbox.accept(offer_id)
        await installation.voice.refuse(haven, answered.event_id, code, referral)

        async def heard() -> bool:
            return (await inbox.find(offer_id)).refusal is code

        await until(heard)
        seen = await inbox.find(offer_id)
        assert seen.standing is standing
        assert (seen.offer is not None) is told
        if told:
            assert (await inbox.accept(offer_id)).standing is Standing.CONTACT_PENDING
            assert (await inbox.find(offer_id)).refusal is None


async def test_giving_back_and_unreachable(installation: Installation, kafka: KafkaForTest) -> None:
    """An accepted offer is given back by code, never by a mere decline; unreachable counts the attempts."""
    legal = await installation.serve(kafka.org("legal"), RecipientCategory.LEGAL_AID)
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(legal)
        first, _ = await voice.offer(legal, RecipientCategory.LEGAL_AID)
        second, _ = await voice.offer(legal, RecipientCategory.LEGAL_AID)

        async def both() -> bool:
            return len(await inbox.offers()) == 2

        await until(both)
        await inbox.accept(first)
        with pytest.raises(AnswerNotPossible):
            await inbox.decline(first, DeclineReason.CONFLICT_OF_INTEREST)
        back = await inbox.give_back(first, DeclineReason.CONFLICT_OF_INTEREST)
        await inbox.accept(second)
        for _ in range(3):
            await inbox.contact_attempted(second, AttemptOutcome.NO_ANSWER)
        await inbox.contact_unreachable(second)
        answers = await voice.answers(legal, count=9)
    assert back.standing is Standing.GIVEN_BACK
    gone = [answer for answer in answers if answer.event_class is ContactUnreachable]
    assert [ContactUnreachable.read(answer.data).attempts for answer in gone] == [3]


async def test_answers_given_while_kafka_is_away_leave_when_it_is_back(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """An answer is a row first: with no process running it is stored, and leaves in order once one runs."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, _ = await _offered(installation, inbox, haven)
        await installation.voice.answers(haven, count=1)
        await until(installation.confirmed)
    accepted = await inbox.accept(offer_id)
    await inbox.contact_made(offer_id)
    assert (await inbox.find(offer_id)).unsent == 2
    assert not await inbox.sent(accepted.event_id)
    async with installation.running():
        answers = await installation.voice.answers(haven, count=3)
        await until(lambda: inbox.sent(accepted.event_id))
    assert [answer.envelope.type.split(".")[3] for answer in answers] == ["receipted", "accepted", "made"]
