"""The whole zone: what the broker says over Kafka reaches a provider's own system, and what came of it goes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic_core import to_json

from adapters.transports.inbox import InboxTransport
from adapters.transports.transport import Answers, Channel, Transport
from adapters.zone import ProviderZone
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import EventId, OfferId, OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.vocabulary import RecipientCategory
from tests.adapters.network import Installation, example_offer, until
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.scripted import ScriptedTransport
from tests.conftest import KafkaForTest


class _Hearing(ScriptedTransport):
    """Brings in one answer, twice, as a transport that polls may."""

    def __init__(self) -> None:
        super().__init__()
        self.offer_id: OfferId | None = None
        self.event_id: EventId = new_event_id()
        self.repeated: list[bool] = []

    async def hear(self, channels: object, answers: Answers) -> None:
        """Wait for the channel and for the offer to be named, then answer."""

        async def ready() -> list[Channel]:
            assert callable(channels)
            return list(channels()) if self.offer_id is not None else []

        [channel] = await until(ready)
        assert self.offer_id is not None
        fact = OfferAccepted(offer_id=self.offer_id, accepted_by=AcceptedBy.STAFF)
        for _ in range(2):
            answered = await answers(channel.org, self.offer_id, fact, self.event_id)
            self.repeated.append(answered.repeated)


async def _channel(installation: Installation, org: OrgId, receiver: ScriptedReceiver) -> None:
    await installation.pool.execute(
        "INSERT INTO channel (org_id, place, transport, settings, folder, on_call, failures, changed_at)"
        " VALUES ($1, 1, 'scripted', $2, '-', false, 0, clock_timestamp())",
        org,
        to_json(dict(receiver.settings())).decode(),
    )


async def test_an_offer_its_answer_its_release_and_its_end_pass_through_a_channel(
    installation: Installation, kafka: KafkaForTest, receiver: ScriptedReceiver
) -> None:
    """Made, delivered, receipted, accepted by a transport, released, withdrawn: in order, each under its own id."""
    haven = await installation.serve(kafka.org("haven"))
    voice, hearing = installation.voice, _Hearing()
    await _channel(installation, haven, receiver)
    transports: dict[str, Transport] = {one.NAME: one for one in (hearing, InboxTransport())}
    async with ProviderZone(replace(installation.parts(), transports=transports)):
        offer_id, referral = new_offer_id(), new_referral_id()
        soon = datetime.now(UTC) + timedelta(hours=1)
        offer = example_offer(RecipientCategory.SHELTER, offer_id).model_copy(update={"answer_by": soon})
        await voice.say(haven, offer, referral)
        answers = await voice.answers(haven, count=2)
        assert [answer.event_class for answer in answers] == [DeliverySucceeded, OfferReceipted]
        hearing.offer_id = offer_id
        answers = await voice.answers(haven, count=3)
        assert answers[2].envelope.id == hearing.event_id
        await until(lambda: _told(hearing, 2))
        await voice.release(haven, offer_id, referral)
        await until(lambda: _posts(receiver, 2))
        await voice.withdraw(haven, offer_id, referral)
        await until(lambda: _posts(receiver, 3))
    assert hearing.repeated == [False, True]
    assert [post.type.split(".", 2)[2] for post in receiver.posts] == [
        "offer.made.v1",
        "disclosure.released.v1",
        "offer.withdrawn.v1",
    ]
    rows = await installation.rows("SELECT message_id FROM delivery ORDER BY delivery_id")
    assert [post.message_id for post in receiver.posts] == [row["message_id"] for row in rows]
    [released] = await installation.rows(
        "SELECT a.consent_id, a.consent_version FROM attempt a JOIN delivery d USING (delivery_id) WHERE d.type = $1",
        DisclosureReleased.TYPE,
    )
    assert released["consent_id"] is not None
    assert released["consent_version"] == 1


async def _told(hearing: _Hearing, count: int) -> bool:
    return len(hearing.repeated) == count


async def _posts(receiver: ScriptedReceiver, count: int) -> bool:
    return len(receiver.posts) == count
