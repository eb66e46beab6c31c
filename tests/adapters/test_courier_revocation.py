"""A survivor takes back what was released while it is on its way: nothing of it leaves after that was stored."""

import asyncio
from datetime import datetime

from adapters.passing import RULES
from adapters.transports.transport import Channel, Handover, Outcome
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from tests.adapters.courier_desk import HAVEN, CourierDesk, claimed_in_time, revoked
from tests.adapters.network import until
from tests.adapters.receivers.receiver import Behaviour
from tests.adapters.receivers.scripted import ScriptedReceiver
from tests.adapters.scripted import ScriptedTransport

RELEASES = 200
_RELEASED = DisclosureReleased.TYPE
TOGETHER = 10


class _OpensWhenTold(ScriptedTransport):
    """Hands over what was released, as a transport to a provider's own system does, and waits before it opens it."""

    def __init__(self) -> None:
        super().__init__()
        self.claimed, self.told = asyncio.Event(), asyncio.Event()
        self.opened = 0

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        if handover.open_groups is not None:
            self.claimed.set()
            await self.told.wait()
            self.opened += len(await handover.open_groups())
        return await super().attempt(channel, handover)


async def test_nothing_released_is_claimed_after_it_was_taken_back(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """C6: two hundred revocations against as many claims; what arrives was claimed before its revocation was stored.

    Who may have it hears that it was taken back, after it; who never had it hears of neither.
    """
    made = await desk.accepted(HAVEN, RELEASES)
    await desk.channel(HAVEN, 1, receiver)
    await desk.release(HAVEN, made)
    stored: dict[str, datetime] = {}
    async with desk.running(copies=2):
        for start in range(0, RELEASES, TOGETHER):
            group = made[start : start + TOGETHER]
            await desk.take_in([(HAVEN, referral, revoked(offer)) for offer, referral in group])
            now = await desk.pool.fetchval("SELECT clock_timestamp()")
            stored.update((offer, now) for offer, _ in group)
        await until(lambda: _all_ended(desk))
    left = await claimed_in_time(desk, DisclosureReleased, stored, "TAKEN_BACK")
    heard: dict[str, list[str]] = {}
    for post in receiver.posts:
        heard.setdefault(post.offer_id, []).append(post.type)
    assert heard.keys() == left
    assert all(order == [DisclosureReleased.TYPE, DisclosureRevoked.TYPE] for order in heard.values())


async def test_what_is_taken_back_between_claim_and_send_is_not_opened(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """The attempt that was let through finds nothing to open and sends nothing; the next one is not let through."""
    transport = _OpensWhenTold()
    desk.transports = {transport.NAME: transport}
    made = await desk.accepted(HAVEN, 1)
    await desk.channel(HAVEN, 1, receiver)
    await desk.release(HAVEN, made)
    [(offer_id, referral)] = made
    async with desk.running():
        await transport.claimed.wait()
        await desk.take_in([(HAVEN, referral, revoked(offer_id))])
        transport.told.set()
        await desk.stand(RETRYING=1, DELIVERED=1)
        await desk.due_now()
        await desk.stand(SUPPRESSED=1, DELIVERED=1)
    assert transport.opened == 0
    assert [post.type for post in receiver.posts] == [DisclosureRevoked.TYPE]
    tries = await desk.rows(
        "SELECT a.outcome, a.code FROM attempt a JOIN delivery d USING (delivery_id) WHERE d.type = $1 ORDER BY number",
        DisclosureReleased.TYPE,
    )
    assert [(row["outcome"], row["code"]) for row in tries] == [
        ("TRY_AGAIN", "NOTHING_TO_OPEN"),
        ("SUPPRESSED", "TAKEN_BACK"),
    ]


async def _all_ended(desk: CourierDesk) -> bool:
    return not await desk.rows("SELECT 1 FROM delivery WHERE ended_at IS NULL")


async def test_an_attempt_whose_courier_died_names_the_consent_too(
    desk: CourierDesk, receiver: ScriptedReceiver
) -> None:
    """What may have left by a lease that ran out is accounted for like any other attempt."""
    await desk.channel(HAVEN, 1, receiver)
    made = await desk.accepted(HAVEN, 1)
    await receiver.behave(Behaviour.HANG)
    await desk.release(HAVEN, made)
    async with desk.running():
        await receiver.arrived.wait()
        await desk.pool.execute(
            "UPDATE delivery SET due_at = clock_timestamp(), leased_until = clock_timestamp() WHERE state = 'ATTEMPTED'"
        )
        await receiver.behave(Behaviour.TAKE)
        await until(lambda: desk.rows("SELECT 1 FROM delivery WHERE type = $1 AND state = 'DELIVERED'", _RELEASED))
        await until(lambda: desk.rows("SELECT 1 FROM attempt WHERE code = 'HTTP_204'"))
    rows = await desk.rows(
        "SELECT code, policy, consent_id, consent_version FROM attempt WHERE outcome <> 'SUPPRESSED'"
    )
    assert {row["code"] for row in rows} >= {"LEASE_EXPIRED", "HTTP_204"}
    [asked] = await desk.rows("SELECT consent_id, consent_version FROM disclosure")
    assert {tuple(row.values())[1:] for row in rows} == {(RULES, *asked.values())}
