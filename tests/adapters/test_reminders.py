"""What is owed of an offer reaches people by the channels of offers; the on-call human first, where it is theirs."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import to_json

from adapters.inbox.answering import Answering
from adapters.inbox.listing import Listing
from adapters.inbox.panels import listed
from adapters.kafka.waiting import waiting_record
from adapters.mail.notice import Language, notice
from adapters.passing import Facts, Stop, stopped
from adapters.standing import Standing
from adapters.transports.webhook import notice as webhook_notice
from broker.schemas.ids import OfferId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.vocabulary import Acknowledgment, EscalationLevel, MsgStatus
from tests.adapters.courier_desk import HAVEN, CourierDesk
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.test_every_transport import handover_about

L0, L1 = EscalationLevel.L0_CONTACT, EscalationLevel.L1_ON_CALL
A2, A3 = Acknowledgment.A2_RECEIPTED, Acknowledgment.A3_DECIDED
A4, A6 = Acknowledgment.A4_CONTACT, Acknowledgment.A6_OUTCOME


def reminder(offer_id: OfferId, level: EscalationLevel = L0, owed: Acknowledgment = A3) -> OfferReminded:
    """The broker says that something has not come."""
    told = {"offerId": offer_id, "level": level, "owed": owed, "dueAt": datetime.now(UTC)}
    return OfferReminded.read(to_json(told))


async def _offered(desk: CourierDesk) -> tuple[OfferId, ReferralId]:
    """One offer that has arrived."""
    [made] = await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DELIVERED=1)
    return made


@pytest.mark.parametrize(("level", "place"), [(L0, 1), (L1, 2)])
async def test_a_reminder_takes_the_channel_of_whom_it_is_for(
    desk: CourierDesk, receiver: ScriptedReceiver, level: EscalationLevel, place: int
) -> None:
    """The contact is told by the first channel, the on-call human by theirs; each once, and nothing is receipted."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.channel(HAVEN, 2, receiver, on_call=True)
    offer_id, referral = await _offered(desk)
    told = await desk.told()
    await desk.take_in([(HAVEN, referral, reminder(offer_id, level))])
    async with desk.running():
        await desk.stand(DELIVERED=2)
    [row] = await desk.rows("SELECT place FROM delivery WHERE type LIKE '%reminded%'")
    assert row["place"] == place
    assert len(receiver.posts) == 2
    assert await desk.told() == told, "a reminder that arrived is no news to the broker"


async def test_where_nobody_is_on_call_the_contact_is_told(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Level 1 by the only channel there is."""
    await desk.channel(HAVEN, 1, receiver)
    offer_id, referral = await _offered(desk)
    await desk.take_in([(HAVEN, referral, reminder(offer_id, L1))])
    async with desk.running():
        await desk.stand(DELIVERED=2)
    assert len(receiver.posts) == 2


async def test_nobody_is_reminded_of_what_somebody_has_answered(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """The answer came while the reminder waited: it is suppressed, and one that comes later is not put on its way."""
    await desk.channel(HAVEN, 1, receiver)
    offer_id, referral = await _offered(desk)
    await desk.take_in([(HAVEN, referral, reminder(offer_id))])
    answering = Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
    await answering.answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
    await desk.take_in([(HAVEN, referral, reminder(offer_id))])
    async with desk.running():
        await desk.stand(DELIVERED=1, SUPPRESSED=1)
    assert len(receiver.posts) == 1


async def test_a_receipt_that_nobody_gave_is_not_given_for_a_reminder(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """Whether anybody has looked is still open, and the broker must not be told otherwise."""
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, referral)] = await desk.offers(HAVEN)
    await desk.take_in([(HAVEN, referral, reminder(offer_id, L1, A2))])
    assert await desk.told() == []


async def test_the_list_shows_what_was_reminded_of(desk: CourierDesk) -> None:
    """One word beside the deadline, until it is over."""
    [(offer_id, referral), _] = await desk.offers(HAVEN, 2)
    await desk.take_in([(HAVEN, referral, reminder(offer_id))])
    listing = Listing(desk.pool, desk.providers[HAVEN])
    now = await listing.now()
    lines = {seen.offer_id: " ".join(listed(seen, now)) for seen in await listing.offers()}
    assert [one for one, line in lines.items() if "REMINDED" in line] == [offer_id]


@pytest.mark.parametrize(
    ("owed", "standing", "stop"),
    [
        (A3, Standing.WAITING, None),
        (A2, Standing.WAITLISTED, None),
        (A3, Standing.CONTACT_PENDING, Stop.ANSWERED),
        (A4, Standing.CONTACT_PENDING, None),
        (A4, Standing.ENGAGED, Stop.ANSWERED),
        (A6, Standing.IN_SERVICE, None),
        (A6, Standing.COMPLETED, Stop.ANSWERED),
        (A3, Standing.WITHDRAWN, Stop.WITHDRAWN),
        (A3, Standing.EXPIRED, Stop.EXPIRED),
    ],
)
def test_a_reminder_is_of_use_while_what_it_says_is_owed(
    owed: Acknowledgment, standing: Standing, stop: Stop | None
) -> None:
    """Asked at each attempt, as for everything that is handed over."""
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    facts = Facts(OfferReminded.TYPE, standing, has_content=True, answer_by=later, stop_at=later, owed=owed)
    assert stopped(facts, now) is stop


@pytest.mark.parametrize("language", Language)
def test_a_reminder_says_that_something_still_waits_and_nothing_more(language: Language) -> None:
    """Mail, webhook and Kafka tell which reference, and not what is owed, by whom or of whom."""
    handover = handover_about(OfferReminded)
    mail = notice(handover, sender="notices@example.org", to="desk@example.org", language=language).decode()
    said = {Language.ENGLISH: "still waiting", Language.SPANISH: "sigue en espera"}
    assert said[language] in mail
    record = waiting_record(handover, None)[2]
    for told in (mail, webhook_notice(handover).decode(), record.decode()):
        assert handover.reference in told
        assert '"L0"' not in told
        assert '"A3"' not in told
