"""The courier on real rows and real sockets: each message once, nothing after it was taken back, nobody forgotten."""

from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from pydantic_core import from_json

from adapters.inbox.answering import Answering
from broker import limits
from broker.schemas.ids import OrgId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import MsgStatus, Priority
from tests.adapters.courier_desk import HAVEN, CourierDesk, claimed_in_time, withdrawn
from tests.adapters.network import until
from tests.adapters.receivers.receiver import Behaviour
from tests.adapters.receivers.scripted import ScriptedReceiver

SHORT = 0.5
"""Seconds for an attempt, where a test is about one that takes too long."""


async def test_without_channels_nothing_changes(desk: CourierDesk) -> None:
    """The inbox has the offer, the receipt leaves at once, and nothing is on its way."""
    await desk.offers(HAVEN)
    assert await desk.told() == ["offer.receipted"]
    assert await desk.states() == {}


async def test_an_inbox_that_comes_first_is_receipted_at_once_and_claims_no_more_than_it_knows(
    desk: CourierDesk,
) -> None:
    """The row is the delivery: nobody's system has it, so nothing is said to have arrived there."""
    await desk.channel(HAVEN, 1, None)
    await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DELIVERED=1)
    assert await desk.told() == ["offer.receipted"]
    assert await desk.attempts() == [(1, "DELIVERED", "IN_INBOX")]


async def test_what_is_pushed_is_receipted_when_it_has_arrived(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Until somebody's system has it nothing is receipted; then the broker hears of A1 and A2."""
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, _)] = await desk.offers(HAVEN)
    assert await desk.told() == []
    async with desk.running():
        await desk.stand(DELIVERED=1)
    assert await desk.told() == ["delivery.succeeded", "offer.receipted"]
    [delivery] = await desk.rows("SELECT * FROM delivery")
    assert [(post.message_id, post.offer_id) for post in receiver.posts] == [(delivery["message_id"], offer_id)]
    [attempt] = await desk.rows("SELECT * FROM attempt")
    assert (attempt["number"], attempt["transport"], attempt["outcome"]) == (1, "scripted", "DELIVERED")
    assert (attempt["code"], attempt["policy"]) == ("HTTP_204", "provider-gate-1")


async def test_two_couriers_hand_over_five_hundred_once_each(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Whoever claims has it alone: every message arrives, none twice."""
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, 500)
    async with desk.running(copies=2):
        await desk.stand(DELIVERED=500)
    ids = {row["message_id"] for row in await desk.rows("SELECT message_id FROM delivery")}
    assert Counter(post.message_id for post in receiver.posts) == dict.fromkeys(ids, 1)
    assert len(await desk.attempts()) == 500
    assert Counter(await desk.told()) == {"delivery.succeeded": 500, "offer.receipted": 500}


async def test_nothing_is_claimed_after_it_was_taken_back(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Three hundred withdrawals against as many claims: what arrives was claimed before its withdrawal was stored.

    And its end is told where it may have arrived, after its beginning; elsewhere nobody hears of either.
    """
    await desk.channel(HAVEN, 1, receiver)
    made = await desk.offers(HAVEN, 300)

    stored: dict[str, datetime] = {}

    async def take_back() -> None:
        for start in range(0, len(made), 10):
            group = made[start : start + 10]
            await desk.take_in([(HAVEN, referral, withdrawn(offer)) for offer, referral in group])
            now = await desk.pool.fetchval("SELECT clock_timestamp()")
            stored.update((offer, now) for offer, _ in group)

    async with desk.running(copies=2):
        await take_back()
        await until(lambda: _all_ended(desk))
    left = await claimed_in_time(desk, OfferMade, stored, "WITHDRAWN")
    kinds: dict[str, list[str]] = {}
    for post in receiver.posts:
        kinds.setdefault(post.offer_id, []).append(post.type.split(".")[3])
    assert kinds.keys() == left
    assert all(order == ["made", "withdrawn"] for order in kinds.values())


async def _all_ended(desk: CourierDesk) -> bool:
    return not await desk.rows("SELECT 1 FROM delivery WHERE ended_at IS NULL")


async def test_an_answered_offer_is_not_sent_any_more(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Somebody said yes at another door while the system was away: it is not asked again."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, _)] = await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(RETRYING=1)
        await receiver.behave(Behaviour.TAKE)
        answering = Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
        await answering.answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
        await desk.due_now()
        await desk.stand(SUPPRESSED=1)
    assert await desk.attempts() == [(1, "TRY_AGAIN", "HTTP_503"), (2, "SUPPRESSED", "ANSWERED")]
    assert len(receiver.posts) == 1


async def test_an_answer_before_the_outcome_is_known_keeps_both(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """F17: the yes comes while the attempt still hangs. It stands, and what came of the attempt is recorded too."""
    await receiver.behave(Behaviour.HANG)
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, _)] = await desk.offers(HAVEN)
    async with desk.running(attempt_seconds=SHORT):
        await receiver.arrived.wait()
        answering = Answering(desk.pool, desk.providers[HAVEN], MsgStatus.ACTUAL)
        await answering.answer(offer_id, OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.STAFF))
        await desk.stand(RETRYING=1)
        await desk.due_now()
        await desk.stand(SUPPRESSED=1)
    assert await desk.attempts() == [(1, "UNKNOWN", "TIMEOUT"), (2, "SUPPRESSED", "ANSWERED")]
    assert await desk.told() == ["offer.accepted"]


async def test_one_that_hangs_delays_nobody_else(desk: CourierDesk) -> None:
    """L5: twenty healthy organisations have their messages while another one holds every connection it is given."""
    healthy = [OrgId(f"org-{number}") for number in range(20)]
    desk.serve(*healthy)
    async with AsyncExitStack() as stack:
        hanging = await stack.enter_async_context(ScriptedReceiver())
        await hanging.behave(Behaviour.HANG)
        receivers = [await stack.enter_async_context(ScriptedReceiver()) for _ in healthy]
        await desk.channel(HAVEN, 1, hanging)
        for org, receiver in zip(healthy, receivers, strict=True):
            await desk.channel(org, 1, receiver)
        await desk.offers(HAVEN, 300)
        async with desk.running():
            await hanging.arrived.wait()
            for org in healthy:
                await desk.offers(org, 5)
            await until(lambda: _arrived(receivers, 5))
            await until(lambda: _stored(desk, 5 * len(healthy)))
            assert set(await desk.states()) == {"QUEUED", "ATTEMPTED", "DELIVERED"}, "an attempt that hangs has ended"
    assert len(hanging.posts) <= limits.deliveries_per_recipient_first


async def _stored(desk: CourierDesk, count: int) -> bool:
    return (await desk.states()).get("DELIVERED") == count


async def _arrived(receivers: list[ScriptedReceiver], count: int) -> bool:
    return all(len(receiver.posts) == count for receiver in receivers)


async def test_a_breaker_opens_probes_once_and_closes(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """After failures in a row nothing is sent but one probe a minute; when one succeeds, all that waited leaves."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, limits.channel_failures_max, Priority.P2)
    async with desk.running(copies=2):
        await until(lambda: desk.rows("SELECT 1 FROM channel WHERE probe_at > clock_timestamp()"))
        await desk.offers(HAVEN, 20, Priority.P2)
        await desk.due_now()
        await until(lambda: _waiting(desk, 25))
        assert len(receiver.posts) == limits.channel_failures_max
        await desk.pool.execute("UPDATE channel SET probe_at = clock_timestamp()")
        await desk.due_now()
        await until(lambda: _waiting(desk, 24))
        await until(lambda: desk.rows("SELECT 1 FROM channel WHERE failures = $1", limits.channel_failures_max + 1))
        assert len(receiver.posts) == limits.channel_failures_max + 1, "one probe, by whichever of two couriers"
        await receiver.behave(Behaviour.TAKE)
        await desk.pool.execute("UPDATE channel SET probe_at = clock_timestamp()")
        await desk.due_now()
        await desk.stand(DELIVERED=25)
    [channel] = await desk.rows("SELECT failures, probe_at FROM channel")
    assert tuple(channel.values()) == (0, None)


async def test_a_broken_channel_is_tried_once_a_minute(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """F14: whatever is due meanwhile; a probe that fails begins another minute."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, 20, Priority.P2)
    async with desk.running(copies=2):
        await until(lambda: desk.rows("SELECT 1 FROM channel WHERE probe_at > clock_timestamp()"))
        await until(lambda: _waiting_or_retrying(desk))
        for probes in (1, 2):
            before = len(receiver.posts)
            await desk.pool.execute("UPDATE channel SET probe_at = clock_timestamp()")
            for _ in range(3):
                await desk.due_now()
                await until(lambda: _waiting_or_retrying(desk))
            assert len(receiver.posts) == before + 1, probes
            [row] = await desk.rows("SELECT probe_at - clock_timestamp() AS left FROM channel")
            assert 50 < row["left"].total_seconds() <= 60, "a minute (reliability.md F14)"


async def _waiting_or_retrying(desk: CourierDesk) -> bool:
    return not await desk.rows("SELECT 1 FROM delivery WHERE due_at <= clock_timestamp() OR state = 'ATTEMPTED'")


async def _waiting(desk: CourierDesk, count: int) -> bool:
    found = await desk.rows("SELECT 1 FROM delivery WHERE code = 'BREAKER_OPEN' AND due_at > clock_timestamp()")
    return len(found) == count


@pytest.mark.parametrize("status", [401, 410])
async def test_a_channel_that_is_shut_is_paused_for_a_human_and_gone_around(
    desk: CourierDesk, receiver: ScriptedReceiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """F15: not a word more is sent by it; the message takes the next channel at once, and so does the next message."""
    receiver.status = status
    async with ScriptedReceiver() as other:
        await desk.channel(HAVEN, 1, receiver)
        await desk.channel(HAVEN, 2, other)
        await desk.offers(HAVEN)
        async with desk.running():
            await desk.stand(DELIVERED=1)
            await desk.offers(HAVEN)
            await desk.stand(DELIVERED=2)
        assert (len(receiver.posts), len(other.posts)) == (1, 2)
    [first, second] = await desk.rows("SELECT paused FROM channel ORDER BY place")
    assert (first["paused"], second["paused"]) == (f"HTTP_{status}", None)
    assert "handoff channel list" in caplog.text


async def test_where_every_channel_is_shut_the_broker_is_told(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Never disabled into silence: the message ends, codes alone, and somebody else can be asked."""
    receiver.status = 410
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN)
    async with desk.running():
        await desk.stand(DEAD_LETTERED=1)
        await desk.offers(HAVEN)
        await desk.stand(DEAD_LETTERED=2)
    assert await desk.told() == ["delivery.failed"] * 2
    values = await desk.rows("SELECT value FROM answer ORDER BY seq")
    assert [from_json(row["value"])["code"] for row in values] == ["REFUSED", "NO_WAY"]
    dead = await desk.rows("SELECT owner, fact FROM delivery")
    assert [tuple(row.values()) for row in dead] == [("org-broker", None)] * 2


async def test_what_did_not_arrive_in_time_takes_the_next_channel_then_whoever_is_on_call(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """The second channel after five minutes, the one on call last, whatever its place."""
    await receiver.behave(Behaviour.TRY_LATER)
    async with ScriptedReceiver() as second:
        await second.behave(Behaviour.TRY_LATER)
        await desk.channel(HAVEN, 1, None, on_call=True)
        await desk.channel(HAVEN, 2, receiver)
        await desk.channel(HAVEN, 3, second)
        await desk.offers(HAVEN)
        async with desk.running():
            for place in (2, 3):
                await until(lambda place=place: _retrying_at(desk, place))  # type: ignore[misc]
                await desk.pool.execute("UPDATE delivery SET divert_at = clock_timestamp()")
                await desk.due_now()
            await desk.stand(DELIVERED=1)
        assert (len(receiver.posts), len(second.posts)) == (1, 1)
    assert await desk.told() == ["offer.receipted"], "nobody's system has it, but it is receipted"
    rows = await desk.rows("SELECT place, number FROM attempt ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [(2, 1), (3, 2), (1, 3)]


async def _retrying_at(desk: CourierDesk, place: int) -> bool:
    return bool(await desk.rows("SELECT 1 FROM delivery WHERE state = 'RETRYING' AND place = $1", place))


async def test_a_receiver_that_asks_for_time_gets_it_within_bounds(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """F15: 429 with Retry-After waits at least that long, and not for ever."""
    receiver.status, receiver.retry_after = 429, 120.0
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, priority=Priority.P2)
    async with desk.running():
        await desk.stand(RETRYING=1)
    [row] = await desk.rows("SELECT due_at - began_at AS wait FROM delivery JOIN attempt USING (delivery_id)")
    assert timedelta(seconds=120) <= row["wait"] < timedelta(seconds=120 * 1.2 + 5)


async def test_what_is_of_no_use_any_more_ends_and_is_told(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """Its time passed while nobody answered: no further attempt, and the broker asks somebody else."""
    await receiver.behave(Behaviour.TRY_LATER)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN, answer_in=timedelta(seconds=1.5))
    async with desk.running():
        await desk.stand(DEAD_LETTERED=1)
    assert len(receiver.posts) == 1
    assert (await desk.attempts())[-1][1:] == ("SUPPRESSED", "TOO_LATE")
    assert await desk.told() == ["delivery.failed"]


async def test_a_change_of_channels_needs_no_restart(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """The next attempt goes where the row says at that moment."""
    await receiver.behave(Behaviour.AWAY)
    await desk.channel(HAVEN, 1, receiver)
    async with ScriptedReceiver() as moved:
        async with desk.running():
            await desk.offers(HAVEN)
            await desk.stand(RETRYING=1)
            await desk.channel(HAVEN, 1, moved)
            await desk.due_now()
            await desk.stand(DELIVERED=1)
        assert len(moved.posts) == 1


async def test_a_courier_that_stops_lets_go_at_once(desk: CourierDesk, receiver: ScriptedReceiver) -> None:
    """What it was attempting is to be tried again, and is nobody's failure."""
    await receiver.behave(Behaviour.HANG)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN)
    async with desk.running():
        await receiver.arrived.wait()
    assert await desk.attempts() == [(1, "UNKNOWN", "LET_GO")]
    assert await desk.states() == {"RETRYING": 1}
    [channel] = await desk.rows("SELECT failures FROM channel")
    assert channel["failures"] == 0


async def test_the_end_of_an_offer_waits_for_the_attempt_that_is_under_way(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """A withdrawal must not arrive before what it withdraws."""
    await receiver.behave(Behaviour.HANG)
    await desk.channel(HAVEN, 1, receiver)
    [(offer_id, referral)] = await desk.offers(HAVEN)
    async with desk.running(attempt_seconds=SHORT):
        await receiver.arrived.wait()
        await desk.take_in([(HAVEN, referral, withdrawn(offer_id))])
        await receiver.behave(Behaviour.TAKE)
        await until(lambda: _all_ended_but_first(desk))
        await desk.due_now()
        await desk.stand(DELIVERED=1, SUPPRESSED=1)
    rows = await desk.rows("SELECT a.outcome FROM attempt a ORDER BY a.began_at")
    assert [row["outcome"] for row in rows] == ["UNKNOWN", "DELIVERED", "SUPPRESSED"]


async def _all_ended_but_first(desk: CourierDesk) -> bool:
    return len(await desk.rows("SELECT 1 FROM delivery WHERE ended_at IS NOT NULL")) == 1


async def test_an_outcome_that_comes_after_the_lease_counts_only_if_it_arrived(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """A courier that was frozen cannot put back what another one has taken on; what has arrived has arrived."""
    await receiver.behave(Behaviour.HANG)
    await desk.channel(HAVEN, 1, receiver)
    await desk.offers(HAVEN)
    async with desk.running(attempt_seconds=SHORT * 4):
        await receiver.arrived.wait()
        await desk.pool.execute("UPDATE delivery SET due_at = clock_timestamp(), leased_until = clock_timestamp()")
        await receiver.behave(Behaviour.TAKE)
        await desk.stand(DELIVERED=1)
        await until(lambda: desk.rows("SELECT 1 FROM attempt WHERE number = 2"))
    assert (await desk.attempts())[0][1] == "UNKNOWN"
    assert await desk.states() == {"DELIVERED": 1}
    assert len({post.message_id for post in receiver.posts}) == 1
